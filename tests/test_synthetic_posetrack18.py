"""Rendered videos in PoseTrack18's layout: official fields, every case, evaluation, loading."""

import json
import shutil
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from hrnet_ext.conversion.posetrack_merge import merge_sequences
from hrnet_ext.evaluation import evaluate_posetrack
from hrnet_ext.evaluation.posetrack.selection import inside
from hrnet_ext.synthetic import VideoSpec, generate, make_spec
from hrnet_ext.synthetic.layouts.posetrack18_records import KEYPOINTS, Clip
from hrnet_ext.synthetic.video.people import SCENARIOS

SAMPLE = (
    Path(__file__).parents[2] / 'shared/data/posetrack18_sample/annotations/val'
    '/012834_mpii_test.json'
)
ADDED_BY_MMPOSE = {'width', 'height', 'mask_file', 'iscrowd', 'num_keypoints'}
SIZE = (128, 96)
# The default but for the size, at which the same happens; one training video is enough.
SPEC = VideoSpec(num_train=1, width=SIZE[0], height=SIZE[1])
TINY = VideoSpec(num_train=2, num_val=2, num_frames=4, width=64, height=64)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp('posetrack18') / 'out'
    assert generate(out, SPEC, layout='posetrack18')
    return out


@pytest.fixture(scope='module')
def videos(folder):
    """Contents of val's files by the videos' names."""
    return {
        path.stem: json.loads(path.read_text())
        for path in sorted((folder / 'annotations' / 'val').glob('*.json'))
    }


def contents(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob('*') if p.is_file()}


def by_image(video):
    people = defaultdict(list)
    for annotation in video['annotations']:
        people[annotation['image_id']].append(annotation)
    return people


def polygons(image):
    pairs = zip(image['ignore_regions_x'], image['ignore_regions_y'])
    return [np.stack(pair, axis=1).astype(float) for pair in pairs]


def everybody(videos):
    return [annotation for video in videos.values() for annotation in video['annotations']]


@pytest.fixture(scope='module')
def tiny(tmp_path_factory):
    out = tmp_path_factory.mktemp('tiny') / 'out'
    assert generate(out, TINY, layout='posetrack18')
    return out


def test_two_workers_write_the_files_of_one(tiny, tmp_path):
    assert generate(tmp_path / 'two', TINY, layout='posetrack18', num_workers=2)
    assert contents(tmp_path / 'two') == contents(tiny)


def test_the_first_videos_do_not_depend_on_how_many_there_are(tiny, tmp_path):
    generate(tmp_path / 'fewer', replace(TINY, num_train=1, num_val=1), layout='posetrack18')
    fewer, more = contents(tmp_path / 'fewer'), contents(tiny)
    shared = [p for p in fewer if p.suffix == '.jpg' or p.parent.name in ('train', 'val')]
    assert len(shared) == 2 * (4 + 1)
    assert all(fewer[path] == more[path] for path in shared)


def test_a_missing_annotation_file_is_noticed(tiny, tmp_path):
    shutil.copytree(tiny, tmp_path / 'out')
    assert not generate(tmp_path / 'out', TINY, layout='posetrack18'), 'it is there'
    next((tmp_path / 'out').glob('annotations/val/*.json')).unlink()
    with pytest.raises(FileExistsError, match=r'damaged: .* 50000\d_mpii_test.json missing'):
        generate(tmp_path / 'out', TINY, layout='posetrack18')


def test_files_lie_where_posetracks_do(folder, videos):
    assert list(videos) == [f'50000{number}_mpii_test' for number in (1, 2, 3, 4)]
    for name, video in videos.items():
        assert len(video['images']) == 30
        for number, image in enumerate(video['images']):
            assert image['file_name'] == f'images/val/{name}/{number:06d}.jpg'
            image = cv2.imread(str(folder / image['file_name']))
            assert image.shape == (SIZE[1], SIZE[0], 3)
    assert (folder / 'images/train/000001_mpii_train/000029.jpg').is_file()


@pytest.mark.skipif(not SAMPLE.is_file(), reason=f'no sample of PoseTrack18 at {SAMPLE}')
def test_fields_are_the_official_ones(videos):
    official = json.loads(SAMPLE.read_text())
    video = next(iter(videos.values()))
    assert set(video) == set(official)
    for part in ('images', 'annotations', 'categories'):
        theirs = {k: v for k, v in official[part][0].items() if k not in ADDED_BY_MMPOSE}
        assert set(video[part][0]) == set(theirs)
        for key, value in theirs.items():
            assert isinstance(video[part][0][key], type(value)), key
    assert video['categories'][0]['keypoints'] == official['categories'][0]['keypoints']
    # ids are made alike: of the video, the frame and the person
    image, annotation = official['images'][0], official['annotations'][0]
    vid_id, first = image['vid_id'], video['images'][0]
    assert image['id'] == image['frame_id'] == int(f'1{vid_id}0000')
    assert first['id'] == first['frame_id'] == int(f'1{first["vid_id"]}0000')
    assert annotation['id'] == 100 * annotation['image_id']
    assert video['annotations'][0]['id'] == 100 * video['annotations'][0]['image_id']


@pytest.mark.skipif(not SAMPLE.is_file(), reason=f'no sample of PoseTrack18 at {SAMPLE}')
def test_boxes_are_made_as_the_official_ones(videos):
    official = json.loads(SAMPLE.read_text())['annotations']
    for annotation in official + everybody(videos):
        keypoints = np.array(annotation['keypoints']).reshape(17, 3)
        points = keypoints[keypoints[:, 2] > 0, :2]
        extent = np.ptp(points, axis=0)
        expected = [*(points.min(axis=0) - 0.15 * extent), *(1.3 * extent)]
        np.testing.assert_allclose(annotation['bbox'], expected, atol=0.02)


def test_annotations_are_consistent(videos):
    ids = [annotation['id'] for annotation in everybody(videos)]
    assert len(set(ids)) == len(ids) > 100
    for video in videos.values():
        labeled = {image['id'] for image in video['images'] if image['is_labeled']}
        for image_id, people in by_image(video).items():
            assert image_id in labeled
            tracks = [annotation['track_id'] for annotation in people]
            assert len(set(tracks)) == len(tracks)
        for annotation in video['annotations']:
            keypoints = np.array(annotation['keypoints']).reshape(17, 3)
            seen = keypoints[:, 2] == 1
            assert seen.sum() >= 4
            assert (keypoints[~seen] == 0).all()
            assert not seen[[KEYPOINTS.index('left_ear'), KEYPOINTS.index('right_ear')]].any()
            assert (keypoints[seen, :2] > -0.51).all()
            assert (keypoints[seen, :2] < np.array(SIZE) - 0.49).all()
            x, y, width, height = annotation['bbox_head']
            assert min(width, height) >= 3
            for name in ('nose', 'head_bottom', 'head_top'):
                px, py, visible = keypoints[KEYPOINTS.index(name)]
                assert not visible or (x <= px <= x + width and y <= py <= y + height)


def test_every_case_occurs(videos):
    """In the default data set's val: what trackers, metrics and data sets have to cope with."""
    images = [image for video in videos.values() for image in video['images']]
    annotated = {annotation['image_id'] for annotation in everybody(videos)}
    assert any(not image['is_labeled'] for image in images)
    assert any(image['is_labeled'] and image['id'] not in annotated for image in images), 'empty'
    assert any(image['ignore_regions_x'] for image in images)
    crossings = partly_hidden = left = returned = entered = 0
    for video in videos.values():
        people, frames = by_image(video), [i['id'] for i in video['images'] if i['is_labeled']]
        present = {}
        for number, image_id in enumerate(frames):
            for annotation in people[image_id]:
                present.setdefault(annotation['track_id'], []).append(number)
                partly_hidden += sum(annotation['keypoints'][2::3]) < 12
        for numbers in present.values():
            left += numbers[-1] < len(frames) - 1
            entered += numbers[0] > 0
            returned += np.diff(numbers).max(initial=1) > 3
        crossings += sum(order_changes(people, frames, *pair) for pair in pairs_of(present))
    assert crossings >= 3
    assert partly_hidden >= 10
    assert min(left, entered, returned) >= 1


def pairs_of(values):
    values = sorted(values)
    return [(a, b) for i, a in enumerate(values) for b in values[i + 1 :]]


def order_changes(people, frames, first, second):
    """Whether two tracks change places from left to right."""
    signs = set()
    for image_id in frames:
        middle = {a['track_id']: a['bbox'][0] + a['bbox'][2] / 2 for a in people[image_id]}
        if first in middle and second in middle:
            signs.add(middle[first] < middle[second])
    return len(signs) == 2


def test_in_unlabeled_frames_nobody_is_annotated_and_the_middle_is_labeled(videos):
    for video in videos.values():
        flags = [image['is_labeled'] for image in video['images']]
        assert all(flags[5:25])
        assert [i for i in (*range(5), *range(25, 30)) if flags[i]] == [0, 4, 28]
    assert [Clip('train', 0, 30).is_labeled(i) for i in (4, 5, 24, 25)] == [0, 1, 1, 0]
    assert Clip('train', 0, 1).is_labeled(0)


def test_ignore_regions_follow_people_whom_nobody_annotated(videos):
    """They are in every frame of their video, move with the camera, and stay in the image."""
    with_regions = [name for name, video in videos.items() if any(map(polygons, video['images']))]
    assert with_regions == ['500003_mpii_test']
    assert list(SCENARIOS)[2] == 'bystanders'
    images = videos['500003_mpii_test']['images']
    middles = []
    for image in images:
        (polygon,) = polygons(image)
        assert (polygon >= 0).all()
        assert (polygon <= np.array(SIZE) - 1).all()
        assert inside(polygon, polygon.mean(axis=0)[None]).all()
        middles.append(polygon.mean(axis=0))
    assert np.ptp(middles, axis=0).max() > 2


def test_tracks_move_smoothly(videos):
    """From one labeled frame to the next nobody jumps: ids are not mixed up."""
    for video in videos.values():
        people = by_image(video)
        previous = {}
        for image in video['images'][5:25]:
            now = {}
            for annotation in people[image['id']]:
                x, y, width, height = annotation['bbox_head']
                now[annotation['track_id']] = np.array([x + width / 2, y + height / 2])
            for track_id in now.keys() & previous.keys():
                assert np.linalg.norm(now[track_id] - previous[track_id]) < 0.09 * SIZE[0]
            previous = now


@pytest.mark.parametrize('strict_poseval', [True, False])
def test_truth_as_prediction_scores_100(videos, strict_poseval):
    result = evaluate_posetrack(videos, videos, strict_poseval=strict_poseval)
    for name in ('AP', 'MOTA', 'MOTP', 'Precision', 'Recall'):
        assert result[name] == pytest.approx(100), name
    assert min(result['per_keypoint']['AP'].values()) == 100, 'every keypoint occurs'


def test_exchanged_tracks_and_missing_people_cost(videos):
    swapped = {name: dict(video) for name, video in videos.items()}
    crossing = swapped['500001_mpii_test']
    frames = [image['id'] for image in crossing['images']]
    crossing['annotations'] = [
        {**a, 'track_id': (a['track_id'] + (frames.index(a['image_id']) > 15)) % 10}
        for a in crossing['annotations']
    ]
    result = evaluate_posetrack(videos, swapped)
    assert result['AP'] == pytest.approx(100)
    assert result['MOTA'] < 99.5
    fewer = {name: dict(video) for name, video in videos.items()}
    fewer['500004_mpii_test']['annotations'] = fewer['500004_mpii_test']['annotations'][::2]
    assert evaluate_posetrack(videos, fewer)['AP'] < 95


def test_merged_files_are_those_of_the_videos(folder, videos):
    merged = json.loads((folder / 'annotations' / 'posetrack18_val.json').read_text())
    assert merged == merge_sequences(videos, dict.fromkeys(videos, SIZE))
    train = json.loads((folder / 'annotations' / 'posetrack18_train.json').read_text())
    assert not {a['id'] for a in train['annotations']} & {a['id'] for a in merged['annotations']}


def test_detections_are_made_from_the_truth_with_faults(folder, videos):
    """Most people are found with good scores; there are misses, jitter and false alarms."""
    path = folder / 'annotations' / 'posetrack18_val_human_detections.json'
    detections = json.loads(path.read_text())
    assert set(detections[0]) == {'bbox', 'category_id', 'image_id', 'score'}
    by_id = defaultdict(list)
    for detection in detections:
        x, y, width, height = detection['bbox']
        assert 0 < detection['score'] <= 1
        assert min(x, y) >= 0
        assert min(width, height) >= 3.9
        assert x + width <= SIZE[0] + 0.01
        assert y + height <= SIZE[1] + 0.01
        by_id[detection['image_id']].append(detection)
    images = {image['id'] for video in videos.values() for image in video['images']}
    assert set(by_id) <= images
    best = []
    for annotation in everybody(videos):
        good = [d for d in by_id[annotation['image_id']] if d['score'] > 0.4]
        best.append(max((overlap(annotation['bbox'], d['bbox']) for d in good), default=0))
    found = np.array(best) > 0.3  # PoseTrack's box is 30 % larger than what is seen
    assert 0.8 < found.mean() < 1
    assert len({round(value, 3) for value in best}) > 50
    assert any(detection['score'] < 0.4 for detection in detections)
    manifest = json.loads((folder / 'synthetic.json').read_text())
    assert manifest['detections'].startswith('simulated')


def overlap(first, second):
    """Intersection over union of two boxes (x, y, w, h)."""
    a, b = np.array(first), np.array(second)
    common = np.minimum(a[:2] + a[2:], b[:2] + b[2:]) - np.maximum(a[:2], b[:2])
    area = np.maximum(common, 0).prod()
    return area / (a[2:].prod() + b[2:].prod() - area)


@pytest.mark.parametrize('bbox_file', [None, 'annotations/posetrack18_val_human_detections.json'])
def test_the_data_set_loads(folder, videos, bbox_file):
    from hrnet_ext.datasets.body import PoseTrack18Dataset

    data = PoseTrack18Dataset(
        'annotations/posetrack18_val.json',
        bbox_file,
        data_root=str(folder),
        data_prefix={'img': ''},
        test_mode=True,
        pipeline=[],
    )
    if bbox_file is None:
        assert len(data) == len(everybody(videos))
        sample = data.get_data_info(0)
        expected = np.array(everybody(videos)[0]['keypoints']).reshape(17, 3)
        np.testing.assert_allclose(sample['keypoints'][0], expected[:, :2], atol=1e-4)
    else:
        assert len(data) == len(json.loads((folder / bbox_file).read_text()))


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'num_frames': 0}, 'num_frames must lie between 1 and 1000, got 0'),
        ({'width': 32}, 'width must lie between 64 and 4096, got 32'),
        ({'height': 9999}, 'height must lie'),
        ({'num_val': 0}, 'num_val must lie'),
        ({'difficulty': 'fair'}, "difficulty must be one of easy, hard, got 'fair'"),
        ({'size': 256}, 'size does not apply to layout posetrack18, which takes difficulty'),
    ],
)
def test_bad_arguments_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        make_spec('posetrack18', **change)


def test_specs_and_layouts_must_fit(tmp_path):
    with pytest.raises(ValueError, match='layout coco is made from a SyntheticSpec, got VideoSpec'):
        generate(tmp_path / 'out', TINY)
    with pytest.raises(ValueError, match=r'layout must be one of coco, mpii, posetrack18, got .x'):
        generate(tmp_path / 'out', TINY, layout='x')
    with pytest.raises(ValueError, match=r'layout must be one of coco, mpii, posetrack18, got .x'):
        make_spec('x')
