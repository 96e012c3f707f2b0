"""A rendered data set of images is COCO's, reproducible, and there whole or not at all."""

import errno
import json
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from hrnet_ext.synthetic import SyntheticSpec, generate, writer
from hrnet_ext.synthetic.layouts import coco
from hrnet_ext.synthetic.layouts.layout import image_scene
from hrnet_ext.synthetic.render import HIDDEN, OUTSIDE, SEEN, Person, render
from hrnet_ext.synthetic.skeleton import POINTS

HARD = SyntheticSpec(difficulty='hard', num_train=20, num_val=6, size=96, seed=3)


@pytest.fixture(scope='module')
def hard(tmp_path_factory):
    out = tmp_path_factory.mktemp('rendered') / 'hard'
    assert generate(out, HARD)
    return out


def contents(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob('*') if p.is_file()}


def annotation_path(folder, split):
    return folder / 'annotations' / f'person_keypoints_{split}2017.json'


def annotations(folder, split='train'):
    return json.loads(annotation_path(folder, split).read_text())


def image(spec, split, index):
    return render(image_scene(spec, split, index)).image


def test_two_workers_write_the_files_of_one(hard, tmp_path):
    generate(tmp_path / 'two', HARD, num_workers=2)
    assert contents(tmp_path / 'two') == contents(hard)


def test_the_first_pictures_do_not_depend_on_how_many_there_are(hard, tmp_path):
    generate(tmp_path / 'fewer', replace(HARD, num_train=4))
    fewer, more = contents(tmp_path / 'fewer'), contents(hard)
    images = [path for path in fewer if path.suffix == '.jpg']
    assert len(images) == 4 + 6
    assert all(fewer[path] == more[path] for path in images)


def test_seed_difficulty_and_split_change_the_pictures(hard):
    first = image(HARD, 'train', 0)
    same = cv2.imread(str(hard / 'train2017' / '000000000001.jpg'))
    assert np.abs(first.astype(int) - same).mean() < 5, 'JPEG of the same image'
    for other in (
        image(replace(HARD, seed=4), 'train', 0),
        image(replace(HARD, difficulty='easy'), 'train', 0),
        image(HARD, 'val', 0),
        image(HARD, 'train', 1),
    ):
        assert np.abs(first.astype(int) - other).mean() > 10


def test_the_files_are_what_cocos_configs_look_for(hard):
    ids = set()
    for split, count in (('train', 20), ('val', 6)):
        data = annotations(hard, split)
        assert len(data['images']) == count
        for image in data['images']:
            pixels = cv2.imread(str(hard / f'{split}2017' / image['file_name']))
            assert pixels.shape == (image['height'], image['width'], 3) == (96, 96, 3)
        ids |= {image['id'] for image in data['images']}
        (person,) = data['categories']
        assert person['name'] == 'person'
        assert len(person['keypoints']) == 17
        assert person['keypoints'][9] == 'left_wrist'
        assert [6, 8] in person['skeleton'], 'left shoulder to left elbow, counted from 1'
    assert len(ids) == 26, 'train and val share no image id'


@pytest.mark.parametrize('split', ['train', 'val'])
def test_annotations_are_consistent(hard, split):
    index = COCO(str(annotation_path(hard, split)))
    anns = index.loadAnns(index.getAnnIds())
    assert len({ann['id'] for ann in anns}) == len(anns) > 5
    for ann in anns:
        mask = index.annToMask(ann)
        rows, columns = np.nonzero(mask)
        assert ann['area'] == mask.sum() > 0
        width, height = np.ptp(columns) + 1, np.ptp(rows) + 1
        assert ann['bbox'] == [columns.min(), rows.min(), width, height]
        assert ann['iscrowd'] == 0
        keypoints = np.array(ann['keypoints']).reshape(17, 3)
        labeled = keypoints[:, 2] > 0
        assert ann['num_keypoints'] == labeled.sum()
        assert (keypoints[~labeled] == 0).all()
        assert ((keypoints[labeled, :2] > -0.51) & (keypoints[labeled, :2] < 95.51)).all()
    masks = {}
    for ann in anns:
        masks[ann['image_id']] = masks.get(ann['image_id'], 0) + index.annToMask(ann)
    assert max(mask.max() for mask in masks.values()) == 1, 'a pixel shows one person'


def average_precision(truth, detections):
    # A copy: loadRes writes into what it is given.
    evaluation = COCOeval(truth, truth.loadRes(deepcopy(detections)), 'keypoints')
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return evaluation.stats[0]


def test_the_ground_truth_as_detections_gives_ap_1(hard):
    truth = COCO(str(annotation_path(hard, 'train')))
    anns = truth.loadAnns(truth.getAnnIds())
    unlabeled = [ann for ann in anns if ann['num_keypoints'] == 0]
    assert unlabeled, 'somebody without labeled keypoints'
    keys = ('image_id', 'category_id', 'keypoints')
    detections = [
        {key: ann[key] for key in keys} | {'score': 1.0} for ann in anns if ann['num_keypoints']
    ]
    assert average_precision(truth, detections) == pytest.approx(1.0)

    # Finding somebody who is not labeled is no mistake.
    found = []
    for ann in unlabeled:
        x, y, width, height = ann['bbox']
        middle = [x + width / 2, y + height / 2, 1] * 17
        found.append({'image_id': ann['image_id'], 'category_id': 1, 'keypoints': middle})
    found = [detection | {'score': 1.0} for detection in found]
    assert average_precision(truth, detections + found) == pytest.approx(1.0)

    for detection in detections:
        detection['keypoints'] = [value + 20 for value in detection['keypoints']]
    assert average_precision(truth, detections) < 0.1


def person(visibility, num_pixels=9):
    mask = np.zeros((20, 20), dtype=bool)
    mask.ravel()[:num_pixels] = True
    return Person(dict.fromkeys(POINTS, (3.14159, 4.0)), visibility, mask)


def test_who_is_not_seen_at_all_is_not_annotated():
    hidden = person(dict.fromkeys(POINTS, HIDDEN), num_pixels=0)
    seen = person(dict.fromkeys(POINTS, SEEN))
    (entry,) = coco.person_entries([hidden, seen], image_id=7)
    assert entry['num_keypoints'] == 17
    assert entry['keypoints'][:3] == [3.14, 4.0, 2]
    assert entry['area'] == 9


def test_who_is_hardly_seen_has_no_labeled_keypoints():
    few = dict.fromkeys(POINTS, HIDDEN) | {'left_ankle': SEEN, 'left_knee': SEEN}
    some = few | {'left_hip': SEEN, 'nose': OUTSIDE}
    unlabeled, labeled = coco.person_entries([person(few), person(some)], image_id=7)
    assert unlabeled['num_keypoints'] == 0
    assert set(unlabeled['keypoints']) == {0}
    assert labeled['num_keypoints'] == 16
    assert labeled['keypoints'][:3] == [0, 0, 0]


def test_the_same_data_set_is_reused(hard):
    before = {path: path.stat().st_mtime_ns for path in hard.rglob('*')}
    assert not generate(hard, HARD)
    assert {path: path.stat().st_mtime_ns for path in hard.rglob('*')} == before


TINY = SyntheticSpec(num_train=3, num_val=2, size=64)


def test_other_arguments_do_not_replace_a_data_set_unasked(tmp_path):
    out = tmp_path / 'out'
    generate(out, TINY)
    with pytest.raises(FileExistsError, match=r'other arguments \(seed 0 -> 1\).*--overwrite'):
        generate(out, replace(TINY, seed=1))
    before = contents(out)
    assert generate(out, replace(TINY, seed=1), overwrite=True)
    assert contents(out) != before
    assert [path.name for path in tmp_path.iterdir()] == ['out']


def test_a_damaged_data_set_is_noticed(tmp_path):
    generate(tmp_path / 'out', TINY)
    next((tmp_path / 'out' / 'train2017').iterdir()).unlink()
    with pytest.raises(FileExistsError, match='damaged: 2 of 3 train images'):
        generate(tmp_path / 'out', TINY)
    assert generate(tmp_path / 'out', TINY, overwrite=True)
    assert not generate(tmp_path / 'out', TINY)


@pytest.mark.parametrize('overwrite', [False, True])
def test_a_folder_of_somebody_else_is_never_touched(tmp_path, overwrite):
    (tmp_path / 'thesis.tex').write_text('precious')
    with pytest.raises(FileExistsError, match='not a rendered data set'):
        generate(tmp_path, TINY, overwrite=overwrite)
    assert (tmp_path / 'thesis.tex').read_text() == 'precious'


def test_an_empty_folder_is_used(tmp_path):
    (tmp_path / 'out').mkdir()
    assert generate(tmp_path / 'out', TINY)


def interrupt(done, total):
    assert 0 < done <= total
    raise KeyboardInterrupt


@pytest.mark.parametrize('num_workers', [1, 2])
def test_an_interrupted_run_leaves_nothing(tmp_path, num_workers):
    with pytest.raises(KeyboardInterrupt):
        generate(
            tmp_path / 'out',
            replace(TINY, num_train=40),
            num_workers=num_workers,
            progress=interrupt,
        )
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_reported_and_leaves_what_was_there(tmp_path, monkeypatch):
    out = tmp_path / 'out'
    generate(out, TINY)
    before = contents(out)
    written = []
    write_bytes = Path.write_bytes

    def fill_up(path, data):
        written.append(path)
        if len(written) == 3:
            raise OSError(errno.ENOSPC, 'No space left on device', str(path))
        return write_bytes(path, data)

    monkeypatch.setattr(Path, 'write_bytes', fill_up)
    with pytest.raises(OSError, match='No space left on device'):
        generate(out, replace(TINY, seed=5), overwrite=True)
    assert contents(out) == before
    assert [path.name for path in tmp_path.iterdir()] == ['out']


def test_too_small_a_disk_is_noticed_before_rendering(tmp_path):
    huge = replace(TINY, num_train=999_999, size=4096)
    with pytest.raises(OSError, match=r'may take \d+ MB'):
        generate(tmp_path / 'out', huge)
    assert list(tmp_path.iterdir()) == []


def test_leftovers_of_a_killed_run_are_removed(tmp_path):
    out = tmp_path / 'out'
    with pytest.raises(KeyboardInterrupt):
        generate(out, TINY, progress=interrupt)
    with writer.atomic_folder(out) as folder:
        prefix = folder.name.rstrip('0123456789')
    out.rmdir()
    dead = tmp_path / f'{prefix}{2**22 + 1}'  # above Linux's largest process id
    dead.mkdir()
    (dead / 'half.jpg').write_text('written')
    alive = tmp_path / f'{prefix}1'
    alive.mkdir()
    generate(out, TINY)
    assert {path.name for path in tmp_path.iterdir()} == {'out', alive.name}


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'difficulty': 'medium'}, "difficulty must be one of easy, hard, got 'medium'"),
        ({'num_train': 0}, 'num_train must lie between 1 and 999999, got 0'),
        ({'num_val': -1}, 'num_val must lie'),
        ({'size': 16}, 'size must lie between 64'),
        ({'seed': -1}, 'seed must lie between 0'),
    ],
)
def test_bad_arguments_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        replace(TINY, **change)


def test_no_worker_is_an_error(tmp_path):
    with pytest.raises(ValueError, match='number of workers must be at least 1, got 0'):
        generate(tmp_path / 'out', TINY, num_workers=0)
