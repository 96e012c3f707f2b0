"""Whole sequences: figures that cross before a panning camera, measured by PoseTrack's MOTA."""

import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hrnet_ext.evaluation import evaluate_posetrack
from hrnet_ext.tracking import VARIANTS, PoseEstimates, PoseTracker, track_sequence
from tests.tracking_cases import SIGMAS, film, predictions, random_walkers

NAME = '000001_mpii_test'
SIZE = (320, 240)


@pytest.fixture(scope='module')
def video():
    """Five people who pass one another, some out of the picture."""
    walkers = random_walkers(np.random.default_rng(5), 5, SIZE, 24, speed=20)
    return film(walkers, 24, SIZE, pan=(8, 1), seed=4)


def evaluate(video, poses, flow='dis', **options):
    """PoseTrack's metrics of the poses tracked through the video."""
    tracker = PoseTracker(sigmas=SIGMAS, flow=flow, **options)
    tracked = track_sequence(tracker, video.frames, poses)
    return evaluate_posetrack({NAME: video.annotations(NAME)}, {NAME: predictions(tracked, NAME)})


def num_switches(result) -> float:
    """Identity switches, mean over the keypoints."""
    return float(np.mean([counts['switches'] for counts in result['counts'].values()]))


def noisy(video, seed: int) -> list[PoseEstimates]:
    """What an unreliable estimator makes of the people: off, keypoints and people missing."""
    rng = np.random.default_rng(seed)
    frames = []
    for keypoints, present in zip(video.keypoints, video.present):
        scores = np.where(rng.random(present.shape) < 0.15, 0.2, 0.8) * present
        seen = rng.random(len(keypoints)) > 0.1
        off = keypoints + rng.normal(0, 2, keypoints.shape)
        frames.append(PoseEstimates(off[seen], scores[seen]))
    return frames


def test_people_of_the_video_cross(video):
    sides = {}
    for ids, keypoints in zip(video.track_ids, video.keypoints):
        places = dict(zip(ids.tolist(), keypoints[:, :, 0].mean(axis=1)))
        for a, b in itertools.combinations(places, 2):
            sides.setdefault((a, b), set()).add(bool(places[a] < places[b]))
    assert sum(len(both) == 2 for both in sides.values()) >= 4


@pytest.mark.parametrize('flow', ['dis', 'lk'])
def test_annotated_poses_are_tracked_through_crossings(video, flow):
    result = evaluate(video, video.estimates(), flow)
    assert result['MOTA'] >= 99
    assert result['Precision'] == result['Recall'] == 100


def test_flow_beats_its_absence_and_previous_frame_iou_on_the_same_poses(video):
    for poses in (video.estimates(), noisy(video, 0)):
        ours = evaluate(video, poses)
        still = evaluate(video, poses, 'none')
        mmpose = evaluate(video, poses, 'none', **VARIANTS['mmpose'])
        assert ours['MOTA'] > still['MOTA'] > mmpose['MOTA']
        assert num_switches(ours) < num_switches(still) < num_switches(mmpose)


def test_a_queue_of_frames_beats_the_last_frame_alone_where_poses_are_missing(video):
    poses = noisy(video, 1)
    several = evaluate(video, poses)
    last = evaluate(video, poses, **VARIANTS['flow'])
    assert several['MOTA'] > last['MOTA'] + 2
    assert num_switches(several) < num_switches(last) / 2


def test_gaps_without_annotations_are_bridged_by_the_flow(video):
    nobody = PoseEstimates(np.zeros((0, 17, 2)), np.zeros((0, 17)))
    labeled = range(0, len(video.frames), 3)
    sparse = [one if i in labeled else nobody for i, one in enumerate(video.estimates())]
    tracked = track_sequence(PoseTracker(sigmas=SIGMAS), video.frames, sparse)
    still = track_sequence(PoseTracker(sigmas=SIGMAS, flow='none'), video.frames, sparse)
    assert num_confused(video, tracked, labeled) == 0
    assert num_confused(video, still, labeled) > 0


def num_confused(video, tracked, labeled) -> int:
    """How many track ids people have had beyond one each."""
    pairs = {
        (int(person), int(track))
        for frame in labeled
        for person, track in zip(video.track_ids[frame], tracked[frame].track_ids)
    }
    return len(pairs) - len({person for person, _ in pairs})


@pytest.mark.parametrize('variant', VARIANTS)
def test_every_variant_runs_and_its_ids_are_unique_in_each_frame(video, variant):
    tracker = PoseTracker(sigmas=SIGMAS, flow='none', **VARIANTS[variant])
    for poses in track_sequence(tracker, [None] * len(video.frames), noisy(video, 2)):
        assert len(set(poses.track_ids)) == len(poses)


def test_a_video_of_one_frame_is_tracked(video):
    tracker = PoseTracker(sigmas=SIGMAS)
    (found,) = track_sequence(tracker, video.frames[:1], video.estimates()[:1])
    assert found.track_ids.tolist() == list(range(len(video.keypoints[0])))
    assert track_sequence(tracker, [], []) == []


def test_as_many_frames_as_poses_are_needed(video):
    with pytest.raises(ValueError, match='shorter'):
        track_sequence(PoseTracker(sigmas=SIGMAS), video.frames, video.estimates()[:-1])


def test_neither_torch_nor_mmpose_is_needed():
    script = (
        'import sys; sys.modules.update(dict.fromkeys('
        "('torch', 'mmengine', 'mmcv', 'mmpose', 'mmdet', 'pycocotools', 'matplotlib')));"
        'import hrnet_ext.tracking as t; '
        "t.PoseTracker(sigmas=[0.1], flow='dis')"
    )
    root = Path(__file__).parents[1]
    done = subprocess.run([sys.executable, '-c', script], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_matching_needs_numpy_and_scipy_alone():
    script = (
        "import sys; sys.modules.update(dict.fromkeys(('torch', 'mmengine', 'mmpose', 'cv2')));"
        'import importlib.util as u; '
        "spec = u.spec_from_file_location('a', 'hrnet_ext/tracking/association.py'); "
        'spec.loader.exec_module(u.module_from_spec(spec))'
    )
    root = Path(__file__).parents[1]
    done = subprocess.run([sys.executable, '-c', script], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
