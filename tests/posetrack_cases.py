"""PoseTrack sequences for tests: two people standing still, and random ones with every quirk.

Only ``random.Random.random`` is drawn from, whose numbers Python keeps across versions: recorded
results stay valid.
"""

import copy
from collections.abc import Collection
from random import Random

NAMES = (
    'nose', 'head_bottom', 'head_top', 'left_ear', 'right_ear', 'left_shoulder', 'right_shoulder',
    'left_elbow', 'right_elbow', 'left_wrist', 'right_wrist', 'left_hip', 'right_hip', 'left_knee',
    'right_knee', 'left_ankle', 'right_ankle',
)  # fmt: skip
EARS = (3, 4)
JOINT_IDS_2017 = (
    'right_ankle', 'right_knee', 'right_hip', 'left_hip', 'left_knee', 'left_ankle',
    'right_wrist', 'right_elbow', 'right_shoulder', 'left_shoulder', 'left_elbow', 'left_wrist',
    'head_bottom', 'nose', 'head_top',
)  # fmt: skip


def sequence(
    frames: list[list[dict]],
    name: str = '000001_mpii_test',
    regions: dict | None = None,
    labeled: Collection[int] = (),
) -> dict:
    """PoseTrack18's JSON of a sequence.

    Args:
        frames: People of each frame, as made by :func:`person`.
        name: Name of the video's folder.
        regions: Polygons [[(x, y), ...], ...] by frame index.
        labeled: Indices of frames said to be labeled beside those with people.
    """
    images, annotations = [], []
    for index, people in enumerate(frames):
        image_id = 10**10 + int(name[:6]) * 10**4 + index  # as PoseTrack18 numbers its frames
        image = {
            'id': image_id,
            'frame_id': image_id,
            'vid_id': name[:6],
            'file_name': f'images/val/{name}/{index:06d}.jpg',
            'is_labeled': bool(people) or index in labeled,
            'nframes': len(frames),
        }
        polygons = (regions or {}).get(index)
        if polygons is not None:
            image['ignore_regions_x'] = [[x for x, _ in polygon] for polygon in polygons]
            image['ignore_regions_y'] = [[y for _, y in polygon] for polygon in polygons]
        images.append(image)
        for number, one in enumerate(people):
            extra = {'image_id': image_id, 'id': image_id * 100 + number, 'category_id': 1}
            annotations.append({**copy.deepcopy(one), **extra})
    categories = [{'id': 1, 'name': 'person', 'supercategory': 'person', 'keypoints': list(NAMES)}]
    return {'images': images, 'annotations': annotations, 'categories': categories}


def person(points: list, track_id: int, head: list | None = None, scores: list | None = None):
    """A person from its 17 points (x, y, visibility)."""
    made = {'track_id': track_id, 'keypoints': [float(v) for point in points for v in point]}
    if head is not None:
        made['bbox_head'] = list(head)
    if scores is not None:
        made['scores'] = list(scores)
    return made


def standing(
    track_id: int, *, at: float, shift: float = 0.0, score: float | None = None, without: str = '~'
) -> dict:
    """A person whose head measures 30 pixels (a box of 30 x 40) in evaluation.

    Args:
        track_id: Its track.
        at: Where it stands, in pixels to the right.
        shift: How far all keypoints are moved to the right.
        score: Of every keypoint; None for an annotated person.
        without: Keypoints whose name holds this are absent.
    """
    points = [
        (0, 0, 0) if index in EARS or without in name else (at + shift + 5, 100 + 60 * index, 1)
        for index, name in enumerate(NAMES)
    ]
    head = [at, 20, 30, 40]
    return person(points, track_id, head, None if score is None else [score] * len(NAMES))


def to_2017(data: dict) -> dict:
    """The same sequence in PoseTrack17's layout."""
    annolist = []
    for image in data['images']:
        people = [each for each in data['annotations'] if each['image_id'] == image['id']]
        entry = {
            'image': [{'name': image['file_name']}],
            'imgnum': [image['id'] % 10000 + 1],
            'is_labeled': [int(image['is_labeled'])],
            'annorect': [_rect(each) for each in people],
        }
        if image.get('ignore_regions_x'):
            regions = zip(image['ignore_regions_x'], image['ignore_regions_y'])
            entry['ignore_regions'] = [
                {'point': [{'x': [x], 'y': [y]} for x, y in zip(all_x, all_y)]}
                for all_x, all_y in regions
            ]
        annolist.append(entry)
    return {'annolist': annolist}


def _rect(annotation: dict) -> dict:
    points = []
    for index, name in enumerate(NAMES):
        x, y, visible = annotation['keypoints'][3 * index : 3 * index + 3]
        if name not in JOINT_IDS_2017 or not (x or y or visible):
            continue
        point = {'id': [JOINT_IDS_2017.index(name)], 'x': [x], 'y': [y], 'is_visible': [visible]}
        if annotation.get('scores'):
            point['score'] = [annotation['scores'][index]]
        points.append(point)
    rect = {'track_id': [annotation['track_id']]}
    if points:
        rect['annopoints'] = [{'point': points}]
    if 'bbox_head' in annotation:
        x, y, w, h = annotation['bbox_head']
        rect.update(x1=[x], y1=[y], x2=[x + w], y2=[y + h])
    return rect


def half_hidden(points: list[tuple]) -> list[tuple]:
    """Points of which every other one is called hidden; where it has a place, it still counts."""
    return [(x, y, 0) if (x or y) and i % 2 else (x, y, v) for i, (x, y, v) in enumerate(points)]


class RandomPeople:
    """People drifting through a sequence, and what an unreliable tracker makes of them.

    The predictions miss, invent, double and swap people and keypoints; coordinates are whole
    numbers now and then, so that distances tie and points fall on outlines. Scores never tie.

    Args:
        seed: The sequences are a function of it.
    """

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * self.random.random()

    def number(self, low: int, high: int) -> int:
        return int(self.between(low, high + 1))

    def sequences(self, num: int, num_frames: int) -> tuple[dict, dict]:
        """Ground truth and predictions of ``num`` sequences of up to ``num_frames`` frames."""
        gt, pred = {}, {}
        without = NAMES[self.number(0, 16)] if self.chance(0.25) else None
        keeps_joint = self.chance(0.5)
        for index in range(num):
            name = f'{index + 1:06d}_mpii_test'
            frames = self.number(2, num_frames)
            gt[name], pred[name] = self.pair(name, frames, without, keeps_joint)
        return gt, pred

    def pair(self, name: str, num_frames: int, without: str | None, keeps_joint: bool):
        """One sequence: ``without`` is never annotated; ``keeps_joint`` to predict it still."""
        people = [self.body(track) for track in range(self.number(1, 5))]
        tracks = {each['track_id']: each['track_id'] for each in people}
        gt_frames, pred_frames, regions = [], [], {}
        for frame in range(num_frames):
            people = [self.moved(each) for each in people]
            shown = [each for each in people if self.chance(0.85)]
            if self.chance(0.1):
                shown = []
            if len(tracks) > 1 and self.chance(0.2):
                a, b = sorted(tracks, key=lambda _: self.random.random())[:2]
                tracks[a], tracks[b] = tracks[b], tracks[a]
            if self.chance(0.1):
                tracks[self.number(0, len(tracks) - 1)] = 100 + frame
            seen = [] if self.chance(0.08) else self.detections(people, shown, tracks, frame)
            if not keeps_joint:
                seen = [self.lacking(each, without) for each in seen]
            annotated = [self.annotation(self.lacking(each, without)) for each in shown]
            if annotated and self.chance(0.15):
                annotated.append(self.shadow(annotated[-1], 50 + frame))
            gt_frames.append(annotated)
            pred_frames.append(seen)
            if self.chance(0.35):
                regions[frame] = self.regions(people)
        # Every other frame is labeled, and so every other one without people.
        labeled = range(0, num_frames, 2)
        return sequence(gt_frames, name, regions, labeled), sequence(pred_frames, name)

    def body(self, track_id: int) -> dict:
        """A person somewhere in a small image, so that people overlap."""
        x, y = self.between(50, 250), self.between(50, 150)
        points = [
            (0, 0, 0) if index in EARS else (*self.near(x, y, 45), 1) for index in range(len(NAMES))
        ]
        return person(points, track_id, [round(x), round(y), self.number(10, 40), 30])

    def spread(self, track_id: int) -> dict:
        """A person beside those of other ids, in a large image."""
        points = [
            (0, 0, 0) if index in EARS else (*self.near(300 * track_id + 100, 300, 90), 1)
            for index in range(len(NAMES))
        ]
        return person(points, track_id, [300 * track_id, 200, 40, 40])

    def near(self, x: float, y: float, spread: float) -> tuple[float, float]:
        return x + self.between(-spread, spread), y + self.between(-spread, spread)

    def moved(self, one: dict) -> dict:
        """The person a few pixels on; sometimes on whole pixels."""
        dx, dy, whole = self.between(-6, 10), self.between(-4, 4), self.chance(0.3)
        points = []
        for x, y, visible in _points(one):
            x, y = (round(x + dx), round(y + dy)) if whole else (x + dx, y + dy)
            points.append((x, y, visible) if visible else (0, 0, 0))
        return person(points, one['track_id'], one['bbox_head'])

    def annotation(self, one: dict) -> dict:
        """The person as annotated: some keypoints left out, now and then all of them."""
        share = 0.0 if self.chance(0.04) else 0.85
        points = [point if point[2] and self.chance(share) else (0, 0, 0) for point in _points(one)]
        return person(half_hidden(points), one['track_id'], one['bbox_head'])

    def shadow(self, one: dict, track_id: int) -> dict:
        """A person with the same keypoints, a hair to the right: as good for a prediction."""
        points = [(x + 0.01, y, 0) if x or y else (0, 0, 0) for x, y, _ in _points(one)]
        return person(points, track_id, one['bbox_head'])

    def lacking(self, one: dict, name: str | None) -> dict:
        """The person without the named keypoint."""
        points = [(0, 0, 0) if NAMES[i] == name else p for i, p in enumerate(_points(one))]
        return {**one, 'keypoints': [v for point in points for v in point]}

    def detections(self, people: list, shown: list, tracks: dict, frame: int) -> list[dict]:
        """What is predicted in a frame."""
        found = [self.detection(one, tracks[one['track_id']]) for one in shown if self.chance(0.85)]
        if self.chance(0.25):  # doubled, never to the pixel: no two assignments are equally good
            found.append(self.detection(people[0], 200 + frame, may_be_exact=False))
        if self.chance(0.2):
            found.append(self.detection(self.body(0), 300 + frame))
        found = sorted(found, key=lambda _: self.random.random())
        taken, unique = set(), []
        for one in found:
            if one['track_id'] not in taken:
                unique.append(one)
            taken.add(one['track_id'])
        return unique

    def detection(self, one: dict, track_id: int, *, may_be_exact: bool = True) -> dict:
        """A person as predicted: keypoints exact, off, absent, or at (0, 0) with a score."""
        spread, exact = self.between(0, 14), self.chance(0.25) and may_be_exact
        points = []
        for x, y, visible in _points(one):
            if not visible or self.chance(0.08):
                points.append((0, 0, 0))
            elif self.chance(0.04):
                points.append((0, 0, self.between(0.1, 1)))
            else:
                points.append((x, y, 1) if exact else (*self.near(x, y, spread), 1))
        if self.chance(0.03):
            points = [(0, 0, 0)] * len(points)
        return person(half_hidden(points), track_id, None, [self.random.random() for _ in NAMES])

    def regions(self, people: list) -> list[list[tuple]]:
        """Polygons: stars that cross themselves, an empty one, one with a keypoint as corner."""
        polygons = [self.polygon(self.number(3, 7)) for _ in range(self.number(0, 2))]
        if self.chance(0.2):
            polygons.append([])
        if self.chance(0.4):
            x, y, _ = _points(people[0])[0]
            polygons.append([(x, y), (x + 80, y), (x + 80, y + 80), (x, y + 80)])
        if self.chance(0.1):
            polygons.append([(-500, -500), (1000, -500), (1000, 1000), (-500, 1000)])
        return polygons

    def polygon(self, num_corners: int) -> list[tuple]:
        return [(self.number(20, 300), self.number(20, 220)) for _ in range(num_corners)]


def twenty_videos() -> tuple[dict, dict]:
    """Ground truth and predictions of 20 videos of 100 frames with 5 people and 3 regions each."""
    people = RandomPeople(3)
    gt, pred = {}, {}
    for video in range(20):
        name = f'{video:06d}_mpii_test'
        crowd = [people.spread(track) for track in range(5)]
        shown, found, regions = [], [], {}
        for frame in range(100):
            crowd = [people.moved(one) for one in crowd]
            shown.append(crowd)
            found.append(
                [people.detection(one, one['track_id'] + 10 * people.chance(0.02)) for one in crowd]
            )
            regions[frame] = [people.polygon(40) for _ in range(3)]
        gt[name], pred[name] = sequence(shown, name, regions), sequence(found, name)
    return gt, pred


def _points(one: dict) -> list[tuple]:
    values = one['keypoints']
    return list(zip(values[0::3], values[1::3], values[2::3]))
