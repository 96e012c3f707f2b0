"""COCO's AP: pycocotools' numbers from either backend, on ground truth of any kind."""

import copy
import json
import sys
from importlib import metadata

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from hrnet_ext.evaluation.coco_ap import NAMES, choose_backend, coco_ap
from hrnet_ext.evaluation.coco_ground_truth import check_people, check_sigmas, ground_truth_of
from tests.coco_cases import COCO_SIGMAS as SIGMAS
from tests.coco_cases import random_people, random_results
from tests.tiny_coco import annotations


def has_faster() -> bool:
    try:
        return choose_backend('faster_coco_eval') == 'faster_coco_eval'
    except ValueError:
        return False


needs_faster = pytest.mark.skipif(not has_faster(), reason='faster-coco-eval is not installed')
backends = pytest.mark.parametrize(
    'backend', ['pycocotools', pytest.param('faster_coco_eval', marks=needs_faster)]
)


def found_exactly(content: dict) -> list[dict]:
    """Every annotated person as a prediction, keypoint scores 1."""
    results = []
    for rank, person in enumerate(content['annotations']):
        triples = np.array(person['keypoints'], float).reshape(-1, 3)
        triples[:, 2] = 1
        result = {key: person[key] for key in ('image_id', 'category_id')}
        results.append({**result, 'keypoints': triples.ravel().tolist(), 'score': 1 - rank / 100})
    return results


def official(content: dict, results: list[dict], folder) -> dict[str, float]:
    """What pycocotools says of an annotation file and a result file."""
    (folder / 'people.json').write_text(json.dumps(content))
    (folder / 'results.json').write_text(json.dumps(results))
    people = COCO(str(folder / 'people.json'))
    evaluation = COCOeval(people, people.loadRes(str(folder / 'results.json')), 'keypoints')
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return dict(zip(NAMES, evaluation.stats))


@backends
@pytest.mark.parametrize('seed', range(4))
def test_the_numbers_are_those_of_pycocotools_on_files(seed, backend, tmp_path):
    rng = np.random.default_rng(seed)
    content = random_people(rng, num_images=40)
    results = random_results(rng, content, levels=[None, 10][seed % 2])
    for person in content['annotations']:
        person['id'] += 1  # plain pycocotools miscounts id 0
    ours = coco_ap(ground_truth_of(content, 17), results, SIGMAS, backend=backend)
    assert 0.1 < ours['AP'] < 0.9
    # The last bit or two may differ: faster-coco-eval adds in another order.
    tolerance = {'rel': 0, 'abs': 0 if backend == 'pycocotools' else 1e-14}
    assert ours == pytest.approx(official(content, results, tmp_path), **tolerance)


@needs_faster
@pytest.mark.parametrize('num_keypoints', [1, 14, 17, 21])
@pytest.mark.parametrize('levels', [None, 5, 1], ids=['no ties', 'ties', 'all tied'])
def test_both_backends_agree(num_keypoints, levels):
    """Over crowds, ignored people, sizes on the bounds, more than 20 an image, any sigmas."""
    rng = np.random.default_rng(num_keypoints)
    compared = []
    for trial in range(8):
        content = random_people(rng, 12, num_keypoints, num_categories=1 + trial % 3)
        truth = ground_truth_of(content, num_keypoints, use_area=trial % 2 == 0)
        results = random_results(rng, content, levels=levels) * (1 + trial % 4)
        sigmas = rng.uniform(0.02, 0.11, num_keypoints)
        slow, fast = (
            coco_ap(truth, results, sigmas, backend=each)
            for each in ('pycocotools', 'faster_coco_eval')
        )
        assert slow == pytest.approx(fast, rel=0, abs=1e-14)
        compared.append(slow['AP'])
    assert max(compared) > 0.1


@backends
def test_annotation_0_is_found_like_any_other(backend):
    content = annotations(1)
    content['annotations'][0]['id'] = 0
    values = coco_ap(ground_truth_of(content, 17), found_exactly(content), SIGMAS, backend=backend)
    assert values['AP'] == pytest.approx(1)
    assert values['AR'] == pytest.approx(1)


@backends
def test_whether_a_person_counts_is_in_the_keypoints(backend):
    content = annotations(2)
    expected = coco_ap(ground_truth_of(content, 17), found_exactly(content), SIGMAS)
    for person in content['annotations']:
        del person['num_keypoints'], person['iscrowd']
    values = coco_ap(ground_truth_of(content, 17), found_exactly(content), SIGMAS, backend=backend)
    assert values == pytest.approx(expected, abs=1e-14)
    # One without labeled keypoints need not be found, and takes no blame either.
    content['annotations'][0]['keypoints'][2::3] = [0] * 17
    del content['annotations'][0]['area']
    results = found_exactly(content)
    alone = coco_ap(ground_truth_of(content, 17), results[1:], SIGMAS, backend=backend)
    assert alone['AP'] == pytest.approx(1)
    values = coco_ap(ground_truth_of(content, 17), results, SIGMAS, backend=backend)
    assert values['AP'] == pytest.approx(1)


def test_without_areas_the_box_stands_in():
    content = random_people(np.random.default_rng(0), 30)
    results = random_results(np.random.default_rng(1), content)
    boxed = copy.deepcopy(content)
    for person in content['annotations']:
        del person['area']
    for person in boxed['annotations']:
        person['area'] = 0.53 * person['bbox'][2] * person['bbox'][3]
    values = coco_ap(ground_truth_of(content, 17, use_area=False), results, SIGMAS)
    assert values == pytest.approx(coco_ap(ground_truth_of(boxed, 17), results, SIGMAS))


@backends
def test_nobody_predicted_is_ap_0(backend):
    values = coco_ap(ground_truth_of(annotations(), 17), [], SIGMAS, backend=backend)
    assert set(values.values()) == {0, -1}
    assert values['AP'] == values['AR'] == values['AP (M)'] == 0
    assert values['AP (L)'] == -1  # no large person is annotated


@backends
def test_a_prediction_without_a_keypoint_above_0_shows_nobody(backend):
    """As in xtcocotools; pycocotools would count it as a mistake."""
    content = annotations(2)
    truth = ground_truth_of(content, 17)
    results = found_exactly(content)
    nobody = {**results[0], 'keypoints': [0.0] * 51, 'score': 1.0}
    values = coco_ap(truth, [nobody, *results], SIGMAS, backend=backend)
    assert values == coco_ap(truth, results, SIGMAS, backend=backend)
    nobody['keypoints'][2] = 0.1
    values = coco_ap(truth, [nobody, *results], SIGMAS, backend=backend)
    assert values['AP'] == pytest.approx(4 / 5, abs=0.02)  # precision of 4 found among 5


def test_a_box_does_not_change_the_size_class():
    content = annotations(2)
    results = found_exactly(content)
    expected = coco_ap(ground_truth_of(content, 17), results, SIGMAS)
    boxed = [{**result, 'bbox': [0, 0, 500, 500]} for result in results]
    assert coco_ap(ground_truth_of(content, 17), boxed, SIGMAS) == expected


@backends
def test_nothing_is_printed_and_the_arguments_stay_as_they_were(backend, capfd):
    content = random_people(np.random.default_rng(0), 5)
    results = random_results(np.random.default_rng(1), content)
    truth = ground_truth_of(content, 17)
    before = copy.deepcopy((content, results, truth))
    coco_ap(truth, results, SIGMAS, backend=backend)
    assert (content, results, truth) == before
    assert capfd.readouterr().out == ''


def test_results_of_another_data_set_are_refused():
    content = annotations(1)
    results = found_exactly(content)
    truth = ground_truth_of(content, 17)
    with pytest.raises(
        ValueError, match='result 1 has image_id 99, which is not in the annotation'
    ):
        coco_ap(truth, [results[0], {**results[1], 'image_id': 99}], SIGMAS)
    with pytest.raises(ValueError, match='has 48 keypoint values, but 17 sigmas need 51'):
        coco_ap(truth, [{**results[0], 'keypoints': [1.0] * 48}], SIGMAS)


def test_an_unknown_backend_is_refused():
    with pytest.raises(ValueError, match="one of auto, pycocotools, faster_coco_eval, but is 'c"):
        choose_backend('c++')


@pytest.mark.parametrize(
    ('version', 'chosen'),
    [(None, 'pycocotools'), ('1.6.5', 'pycocotools'), ('1.8.0', 'faster_coco_eval'),
     ('1.10', 'faster_coco_eval'), ('2.0.0rc1', 'faster_coco_eval')],
)  # fmt: skip
def test_the_faster_backend_is_taken_where_it_was_compared(version, chosen, monkeypatch):
    def installed(name):
        if version is None:
            raise metadata.PackageNotFoundError(name)
        return version

    monkeypatch.setattr(metadata, 'version', installed)
    assert choose_backend('auto') == chosen
    assert choose_backend('pycocotools') == 'pycocotools'
    if chosen == 'pycocotools':
        with pytest.raises(ValueError, match=rf'1.8.0 or later, but {version or "none"} is inst'):
            choose_backend('faster_coco_eval')


def test_pycocotools_does_without_the_other(monkeypatch):
    monkeypatch.setitem(sys.modules, 'faster_coco_eval', None)
    content = annotations(1)
    truth = ground_truth_of(content, 17)
    values = coco_ap(truth, found_exactly(content), SIGMAS, backend='pycocotools')
    assert values['AP'] == pytest.approx(1)


def test_keypoints_of_people_are_counted():
    with pytest.raises(ValueError, match='annotation 7 has 48 keypoint values'):
        check_people([{'id': 7, 'keypoints': [1] * 48, 'area': 1.0}], 17)


@pytest.mark.parametrize(
    ('fields', 'use_area', 'message'),
    [
        ({}, True, r'annotation 7 has no positive area.*it is None.*use_area=False'),
        ({'area': 0}, True, r'annotation 7 has no positive area'),
        ({'area': 9.0}, False, r'annotation 7 has no box with a positive area.*bbox is None'),
        ({'bbox': [5, 5, 0, 9]}, False, r'annotation 7 has no box with a positive area'),
    ],
)
def test_a_person_needs_an_area(fields, use_area, message):
    with pytest.raises(ValueError, match=message):
        check_people([{'id': 7, 'keypoints': [1] * 51, **fields}], 17, use_area=use_area)


@pytest.mark.parametrize(
    'people',
    [[], [{'id': 1}], [{'id': 1, 'keypoints': [0] * 51}],
     [{'id': 1, 'keypoints': [1] * 51, 'area': 9, 'iscrowd': 1}]],
)  # fmt: skip
def test_somebody_must_be_there_to_be_found(people):
    with pytest.raises(ValueError, match=r'nothing to evaluate.*person_keypoints'):
        check_people(people, 17)


@pytest.mark.parametrize(
    ('sigmas', 'expected'),
    [([0.1] * 16, '16 values for 17'), ([0.1] * 16 + [0.0], 'should be positive')],
)
def test_sigmas_are_checked(sigmas, expected):
    with pytest.raises(ValueError, match=expected):
        check_sigmas(np.array(sigmas), 17)
