"""Moving figures for tests of tracking: striped limbs that walk past one another, a panning camera.

Keypoints are PoseTrack18's 17 by name; the ears are never there. Everything is a function of a
seed.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from hrnet_ext.tracking import PoseEstimates, TrackedPoses
from tests.posetrack_cases import EARS, NAMES, sequence

# PoseTrack18 has no sigmas of its own; COCO's, with the nose's for head_bottom and head_top.
SIGMAS = np.array([26, 26, 26, 35, 35, 79, 79, 72, 72, 62, 62, 107, 107, 87, 87, 89, 89]) / 1000
LIMBS = (
    ('left_shoulder', 'left_hip'), ('right_shoulder', 'right_hip'), ('head_bottom', 'head_top'),
    ('left_shoulder', 'left_elbow'), ('left_elbow', 'left_wrist'), ('left_hip', 'left_knee'),
    ('left_knee', 'left_ankle'), ('right_shoulder', 'right_elbow'), ('right_hip', 'right_knee'),
    ('right_elbow', 'right_wrist'), ('right_knee', 'right_ankle'), ('left_hip', 'right_hip'),
    ('left_shoulder', 'right_shoulder'),
)  # fmt: skip


@dataclass(frozen=True)
class Walker:
    """A person walking straight on.

    Args:
        start: (x, y) of the middle of the hips in the world, pixels.
        velocity: (x, y), pixels per frame.
        height: Of the body, pixels.
        phase: Of the swing of arms and legs, radians.
        color: BGR.
    """

    start: tuple[float, float]
    velocity: tuple[float, float]
    height: float
    phase: float
    color: tuple[float, float, float]

    def keypoints(self, time: float) -> np.ndarray:
        """(17, 2) in the world."""
        swing = 0.5 * np.sin(self.phase + 0.35 * time)
        at = {'hip': (0.0, 0.0), 'shoulder': (0.0, -0.30)}
        points = {
            'head_bottom': (0.0, -0.34), 'nose': (0.02, -0.42), 'head_top': (0.0, -0.50),
        }  # fmt: skip
        for side, sign in (('left', 1), ('right', -1)):
            arm, leg = -sign * swing, sign * swing
            x, y = sign * 0.09, at['shoulder'][1]
            points[f'{side}_shoulder'] = (x, y)
            points[f'{side}_elbow'] = x, y = x + 0.17 * np.sin(arm), y + 0.17 * np.cos(arm)
            points[f'{side}_wrist'] = (x + 0.15 * np.sin(arm + 0.4), y + 0.15 * np.cos(arm + 0.4))
            x, y = sign * 0.06, 0.0
            points[f'{side}_hip'] = (x, y)
            points[f'{side}_knee'] = x, y = x + 0.24 * np.sin(leg), y + 0.24 * np.cos(leg)
            points[f'{side}_ankle'] = (x + 0.24 * np.sin(leg - 0.3), y + 0.24 * np.cos(leg - 0.3))
            points[f'{side}_ear'] = (0.0, 0.0)
        middle = np.array(self.start) + np.array(self.velocity) * time
        return middle + self.height * np.array([points[name] for name in NAMES])


@dataclass(frozen=True)
class Video:
    """Frames (H, W, 3) and, for each, the people in it.

    Args:
        frames: BGR pictures.
        track_ids: By frame, (N,).
        keypoints: By frame, (N, 17, 2) image space.
        present: By frame, (N, 17): inside the picture; never the ears.
        head_boxes: By frame, (N, 4) as (x, y, w, h).
    """

    frames: list[np.ndarray]
    track_ids: list[np.ndarray]
    keypoints: list[np.ndarray]
    present: list[np.ndarray]
    head_boxes: list[np.ndarray]

    def estimates(self) -> list[PoseEstimates]:
        """The annotated poses as a perfect estimator would give them."""
        return [PoseEstimates(k, p.astype(float)) for k, p in zip(self.keypoints, self.present)]

    def annotations(self, name: str) -> dict:
        """PoseTrack18's JSON."""
        people = zip(self.track_ids, self.keypoints, self.present, self.head_boxes)
        return sequence([_annotate(*one) for one in people], name)


def predictions(tracked: list[TrackedPoses], name: str) -> dict:
    """PoseTrack18's JSON of a tracker's output."""
    frames = []
    for poses in tracked:
        people = _annotate(poses.track_ids, poses.keypoints, poses.present, [None] * len(poses))
        for person, scores in zip(people, poses.keypoint_scores):
            person['scores'] = scores.tolist()
        frames.append(people)
    return sequence(frames, name)


def _annotate(track_ids, keypoints, present, head_boxes) -> list[dict]:
    people = []
    for track_id, points, shown, head in zip(track_ids, keypoints, present, head_boxes):
        values = np.where(shown[:, None], np.concatenate([points, np.ones((17, 1))], 1), 0)
        person = {'track_id': int(track_id), 'keypoints': values.ravel().tolist(), 'scores': []}
        if head is not None:
            person['bbox_head'] = list(head)
        people.append(person)
    return people


def texture(size: tuple[int, int], seed: int, *, finest: int = 4) -> np.ndarray:
    """A gray picture (H, W), float32, 0 to 255, with detail from ``finest`` pixels upwards."""
    rng = np.random.default_rng(seed)
    width, height = size
    total = np.zeros((height, width), np.float32)
    for cell in (finest, 2 * finest, 4 * finest, 8 * finest, 16 * finest):
        noise = rng.normal(size=(height // cell + 2, width // cell + 2)).astype(np.float32)
        total += cv2.resize(noise, size, interpolation=cv2.INTER_CUBIC) * cell**0.5
    return (total - total.min()) / np.ptp(total) * 255


def shifted(picture: np.ndarray, motion: tuple[float, float], margin: int) -> np.ndarray:
    """The inside of ``picture`` (H, W), ``margin`` from its border, its content moved, uint8."""
    height, width = picture.shape
    matrix = np.array([[1, 0, motion[0] - margin], [0, 1, motion[1] - margin]], np.float64)
    size = (width - 2 * margin, height - 2 * margin)
    moved = cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_CUBIC)
    return np.clip(moved, 0, 255).astype(np.uint8)


def film(
    walkers: list[Walker],
    num_frames: int,
    size: tuple[int, int],
    *,
    pan: tuple[float, float] = (0.0, 0.0),
    seed: int = 0,
) -> Video:
    """Walkers filmed; those listed later are nearer.

    Args:
        walkers: Their track ids are their places in the list.
        num_frames: Length of the video.
        size: (w, h) of the frames.
        pan: The camera's velocity (x, y), pixels per frame.
        seed: Of the background.
    """
    reach = [int(abs(speed) * num_frames) + 2 for speed in pan]
    world = texture((size[0] + 2 * reach[0], size[1] + 2 * reach[1]), seed)
    world = (60 + 0.5 * world).astype(np.uint8)
    video = Video([], [], [], [], [])
    for time in range(num_frames):
        camera = np.array(pan) * time
        corner = camera + reach
        matrix = np.array([[1, 0, -corner[0]], [0, 1, -corner[1]]], np.float64)
        gray = cv2.warpAffine(world, matrix, size, flags=cv2.INTER_LINEAR)
        frame = cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR)
        keypoints = np.array([walker.keypoints(time) - camera for walker in walkers])
        for walker, points in zip(walkers, keypoints):
            _draw(frame, walker, points)
        present = ((keypoints >= 0) & (keypoints <= np.array(size) - 1)).all(axis=2)
        present[:, EARS] = False
        inside = present.any(axis=1)
        tops = keypoints[:, NAMES.index('head_top')]
        heights = np.array([walker.height for walker in walkers])[:, None]
        heads = np.concatenate([tops - 0.06 * heights, 0.13 * heights, 0.18 * heights], axis=1)
        video.frames.append(frame)
        video.track_ids.append(np.flatnonzero(inside))
        video.keypoints.append(keypoints[inside])
        video.present.append(present[inside])
        video.head_boxes.append(heads[inside])
    return video


def random_walkers(
    rng: np.random.Generator, num: int, size: tuple[int, int], num_frames: int, speed: float
) -> list[Walker]:
    """Walkers who cross the picture both ways about its middle; the larger ones are nearer."""
    walkers = []
    for _ in range(num):
        velocity = speed * rng.uniform(0.4, 1) * rng.choice([-1, 1])
        middle = rng.uniform(0.15, 0.85) * size[0]
        walkers.append(
            Walker(
                start=(middle - velocity * num_frames / 2, rng.uniform(0.4, 0.65) * size[1]),
                velocity=(velocity, rng.uniform(-0.1, 0.1) * speed),
                height=rng.uniform(0.35, 0.8) * size[1],
                phase=rng.uniform(0, 2 * np.pi),
                color=tuple(rng.uniform(60, 255, 3).tolist()),
            )
        )
    return sorted(walkers, key=lambda walker: walker.height)


def _draw(frame: np.ndarray, walker: Walker, points: np.ndarray) -> None:
    """Every limb a bar with stripes across, so that its flow can be seen."""
    width = max(3, round(0.07 * walker.height))
    for index, (first, second) in enumerate(LIMBS):
        start, end = points[NAMES.index(first)], points[NAMES.index(second)]
        for stripe in range(6):
            ends = [start + (end - start) * share for share in (stripe / 6, (stripe + 1) / 6)]
            shade = (0.45, 1.0, 0.7)[(stripe + index) % 3]
            fixed = [tuple(np.round(point * 16).astype(int).tolist()) for point in ends]
            color = [shade * value for value in walker.color]
            cv2.line(frame, *fixed, color, width, cv2.LINE_AA, shift=4)
    head = points[NAMES.index('nose')]
    center = tuple(np.round(head * 16).astype(int).tolist())
    cv2.circle(frame, center, round(0.07 * walker.height * 16), walker.color, -1, cv2.LINE_AA, 4)
