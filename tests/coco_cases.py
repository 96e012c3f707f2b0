"""Random people and predictions in COCO's formats, with everything that makes evaluation hard."""

import numpy as np

COCO_SIGMAS = np.array(
    [26, 25, 25, 35, 35, 79, 79, 72, 72, 62, 62, 107, 107, 87, 87, 89, 89]
) / 1000  # fmt: skip


def random_people(
    rng: np.random.Generator, num_images: int, num_keypoints: int = 17, num_categories: int = 1
) -> dict:
    """An annotation file: crowds, people without labeled keypoints, areas of every size class.

    Some areas lie exactly on the bounds of the classes; the first annotation's id is 0.
    """
    images = [{'id': 3 * index, 'width': 640, 'height': 480} for index in range(num_images)]
    people = []
    for image in images:
        for _ in range(rng.integers(0, 6)):
            width, height = rng.uniform(8, 200, 2).round(2)
            x, y = rng.uniform(0, 400, 2).round(2)
            points = rng.uniform((x, y), (x + width, y + height), (num_keypoints, 2)).round()
            visible = rng.integers(0, 3, num_keypoints) * (rng.random() > 0.2)
            area = rng.choice(
                [width * height * rng.uniform(0.3, 1), 32.0**2, 96.0**2], p=[0.8, 0.1, 0.1]
            )
            people.append(
                {
                    'id': len(people),
                    'image_id': image['id'],
                    'category_id': int(rng.integers(1, num_categories + 1)),
                    'keypoints': np.c_[points * (visible > 0)[:, None], visible].ravel().tolist(),
                    'num_keypoints': int((visible > 0).sum()),
                    'iscrowd': int(rng.random() < 0.1),
                    'bbox': [x, y, width, height],
                    'area': float(area),
                }
            )
    categories = [{'id': index + 1, 'name': f'being {index}'} for index in range(num_categories)]
    return {'images': images, 'annotations': people, 'categories': categories}


def random_results(rng: np.random.Generator, content: dict, *, levels: int | None = None) -> list:
    """Predictions: people found well, badly, twice or not at all, and some where nobody is.

    Args:
        levels: Number of different scores, to have ties; None for as many as there are results.
    """
    results = []
    for image in content['images']:
        people = [one for one in content['annotations'] if one['image_id'] == image['id']]
        for person in people:
            for _ in range(rng.choice([0, 1, 1, 2, 7])):
                results.append(_found(rng, person))
        if people and rng.random() < 0.3:
            stray = _found(rng, people[0])
            stray['keypoints'] = (np.array(stray['keypoints']) + rng.uniform(0, 300)).tolist()
            results.append(stray)
    for result in results:
        score = float(rng.random())
        result['score'] = round(score * levels) / levels if levels else score
    return results


def _found(rng: np.random.Generator, person: dict) -> dict:
    points = np.array(person['keypoints'], float).reshape(-1, 3)
    noise = rng.choice([0.01, 0.05, 0.3]) * np.sqrt(person['area'])
    points[:, :2] += rng.normal(0, noise, (len(points), 2))
    points[:, 2] = rng.uniform(0.01, 1, len(points))
    return {
        'image_id': person['image_id'],
        'category_id': person['category_id'],
        'keypoints': points.ravel().tolist(),
    }


def as_samples(rng: np.random.Generator, results: list[dict]) -> list[dict]:
    """COCO results as a top-down model's data samples, each of a detected box, shuffled."""
    samples = []
    for index, result in enumerate(results):
        triples = np.array(result['keypoints'], np.float32).reshape(1, -1, 3)
        samples.append(
            {
                'id': index,
                'img_id': result['image_id'],
                'category_id': np.array(result['category_id']),
                'pred_instances': {
                    'keypoints': triples[..., :2],
                    'keypoint_scores': triples[..., 2],
                },
                'gt_instances': {
                    'bbox_scores': np.array([result['score']], np.float32),
                    'bbox_scales': rng.uniform(50, 200, (1, 2)).astype(np.float32),
                },
            }
        )
    return [samples[index] for index in rng.permutation(len(samples))]


def metainfo_of(sigmas: np.ndarray) -> dict:
    """What the metric asks of a data set."""
    return {'dataset_name': 'random', 'num_keypoints': len(sigmas), 'sigmas': sigmas}


def values_of(metric, metainfo: dict, samples: list[dict]) -> dict:
    """What a metric says of the samples of an evaluation."""
    metric.dataset_meta = metainfo
    metric.process([], samples)
    return metric.evaluate(len(samples))
