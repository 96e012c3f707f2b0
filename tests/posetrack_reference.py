"""PoseTrack's evaluation a second time, in loops over the JSON, to compare the fast one with.

Written from the description of poseval's steps, with other means than the package: exact fractions
for the ignore regions, a search through all assignments, lists of events. Every step that poseval
takes otherwise than one would expect is counted by name.
"""

import math
from collections import Counter, defaultdict
from fractions import Fraction

from tests.posetrack_cases import JOINT_IDS_2017

JOINTS = range(15)
NAN = float('nan')


class Reference:
    """One evaluation; ``quirks`` counts how often each of poseval's habits mattered."""

    def __init__(self, *, strict: bool) -> None:
        self.strict = strict
        self.quirks: Counter[str] = Counter()

    def evaluate(self, gt: dict, pred: dict) -> dict[str, list[float]]:
        """Values per keypoint, in %, of 'AP', 'MOTA', 'MOTP', 'Precision', 'Recall' and more."""
        ranked = {joint: [] for joint in JOINTS}
        num_gt, events = Counter(), defaultdict(Counter)
        for name in sorted(gt):
            frames = self.frames(gt[name], pred[name])
            for annotated, predicted in frames:
                self.rank(annotated, predicted, ranked, num_gt)
            if self.strict and frames:
                self.quirks['last frame of a sequence left out of tracking'] += 1
                frames = frames[:-1]
            for joint in JOINTS:
                events[joint] += self.track(frames, joint)
        columns = [self.values(ranked[j], num_gt[j], events[j]) for j in JOINTS]
        return {name: [column[name] for column in columns] for name in columns[0]}

    def frames(self, gt: dict, pred: dict) -> list[tuple[list[dict], list[dict]]]:
        """People of the frames that count, ignore regions applied."""
        kept = []
        for annotation, prediction in zip(people_of(gt), people_of(pred)):
            polygons = annotation['polygons']
            if not annotation['listed']:
                quirk = 'labeled' if annotation['labeled'] else 'unlabeled'
                self.quirks[f'{quirk} frame of nobody with predictions'] += bool(
                    prediction['people']
                )
                if self.strict or not annotation['labeled']:
                    continue
            both = []
            for side, people in (('gt', annotation['people']), ('pred', prediction['people'])):
                self.quirks[f'{side} person without keypoints'] += sum(
                    not one['points'] for one in people
                )
                both.append(self.outside(people, polygons, side) if polygons else people)
            kept.append(tuple(both))
        return kept

    def outside(self, people: list[dict], polygons: list, side: str) -> list[dict]:
        """People without their keypoints in ignore regions; nobody without a keypoint."""
        left = []
        for one in people:
            points = {}
            for joint, point in one['points'].items():
                places = [where(polygon, point) for polygon in polygons]
                self.quirks[f'{side} keypoint in a region'] += 'in' in places
                self.quirks[f'{side} keypoint on an outline alone'] += (
                    'on' in places and 'in' not in places
                )
                if 'in' not in places:
                    points[joint] = point
            self.quirks[f'{side} person gone with a region'] += not points
            if points:
                left.append({**one, 'points': points})
        self.quirks['empty polygon'] += [] in polygons
        return left

    def rank(self, annotated: list, predicted: list, ranked: dict, num_gt: Counter) -> None:
        """Add the frame's predictions (score, right or not) and its number of keypoints."""
        for one in annotated:
            num_gt.update(one['points'].keys())
        if not annotated and predicted:
            self.quirks['frame whose annotated people all went'] += 1
        owner = self.owners(annotated, predicted)
        for index, one in enumerate(predicted):
            target = annotated[owner[index]] if index in owner else None
            for joint, point in one['points'].items():
                right = target is not None and distance(target, one, joint) is not None
                ranked[joint].append((one['scores'][joint], right))
                self.quirks['prediction at (0, 0) that counts'] += point == (0, 0)
                if target is None and any(distance(a, one, joint) is not None for a in annotated):
                    self.quirks['near keypoint of an unassigned person is wrong'] += 1

    def owners(self, annotated: list, predicted: list) -> dict[int, int]:
        """The annotated person each predicted one is assigned to."""
        wishes = defaultdict(list)
        for index, one in enumerate(predicted):
            shares = []
            for target in annotated:
                near = sum(distance(target, one, joint) is not None for joint in JOINTS)
                shares.append(near / max(1, len(target['points'])))
            if shares and max(shares) > 0:
                wishes[shares.index(max(shares))].append((max(shares), -index))
                self.quirks['two people equally good for a prediction'] += (
                    shares.count(max(shares)) > 1
                )
        self.quirks['two predictions of one person'] += sum(len(w) > 1 for w in wishes.values())
        return {-max(wish)[1]: target for target, wish in wishes.items()}

    def track(self, frames: list, joint: int) -> Counter:
        """Events of one keypoint in one sequence."""
        events, last, owner, found, used = Counter(), {}, {}, set(), set()
        for annotated, predicted in frames:
            if self.strict and not (annotated and predicted):
                events.update(objects=1, misses=1, fps=1)
                if joint == 0:
                    side = 'annotated' if predicted else 'predicted'
                    self.quirks[f'frame with nobody {side}'] += 1
                    self.quirks['... that hides several people'] += (
                        max(len(annotated), len(predicted)) > 1
                    )
                continue
            objects = [one for one in annotated if joint in one['points']]
            tracks = [one for one in predicted if joint in one['points']]
            near = {
                (o['id'], t['id']): distance(o, t, joint)
                for o in objects
                for t in tracks
                if distance(o, t, joint) is not None
            }
            pairs = {}
            for one in objects:
                track = last.get(one['id'])
                if (one['id'], track) in near and track not in pairs.values():
                    pairs[one['id']] = track
            kept = set(pairs)
            rest = {
                pair: d
                for pair, d in near.items()
                if pair[0] not in pairs and pair[1] not in pairs.values()
            }
            pairs |= best([one['id'] for one in objects], rest)
            self.quirks['track kept though another is nearer'] += any(
                near[o, pairs[o]] > min(d for (other, _), d in near.items() if other == o)
                for o in kept
            )
            events['raw'] += sum(near.values())
            for o, t in pairs.items():
                events['distance'] += near[o, t]
                if o in kept:
                    continue
                switch = o in last and last[o] != t
                transfer = t in owner and owner[t] != o
                extra = {
                    'switch to a new track': switch and t not in used,
                    'track taken over': transfer,
                    'track taken over by a new person': transfer and o not in found,
                }
                for name, happened in extra.items():
                    self.quirks[name] += happened
                    events['extra'] += near[o, t] * happened
                self.quirks['identity switch'] += switch
                events['switches'] += switch
            for o, t in pairs.items():
                last[o] = t
                if o not in kept:
                    owner[t] = o
            found.update(pairs)
            used.update(pairs.values())
            events['objects'] += len(objects)
            events['found'] += len(pairs)
            events['misses'] += len(objects) - len(pairs)
            events['fps'] += len(tracks) - len(pairs)
        return events

    def values(self, ranked: list, num_gt: int, events: Counter) -> dict[str, float]:
        """A keypoint's metrics."""
        if not num_gt:
            self.quirks[f'keypoint never annotated, {"" if ranked else "not "}predicted'] += 1
        lost = events['misses'] + events['switches'] + events['fps']
        found, everything = events['found'], events['raw'] + events['distance'] + events['extra']
        self.quirks["poseval's MOTP is another"] += found > 0 and events['raw'] > 0
        return {
            'AP': self.average_precision(ranked, num_gt),
            'MOTA': 100 * (1 - lost / events['objects']) if events['objects'] else NAN,
            'MOTP': 100 * (1 - events['distance'] / found) if found else NAN,
            'Precision': 100 * found / (found + events['fps']) if found + events['fps'] else NAN,
            'Recall': 100 * found / events['objects'] if events['objects'] else NAN,
            'MOTP_poseval': 100 * (1 - everything / found) if found else 0.0,
        }

    def average_precision(self, ranked: list, num_gt: int) -> float:
        """AP in %: over the right ones, the best precision at theirs or a lower score."""
        if not num_gt:
            return 0.0 if self.strict and not ranked else NAN
        rights = [right for _, right in sorted(ranked, reverse=True)]
        precisions = [sum(rights[: k + 1]) / (k + 1) for k in range(len(rights))]
        return 100 * sum(max(precisions[k:]) for k, right in enumerate(rights) if right) / num_gt


def people_of(data: dict) -> list[dict]:
    """Frames of a sequence: 'listed' (a person has an entry), 'labeled', 'people', 'polygons'."""
    return _people_of_2017(data) if 'annolist' in data else _people_of_2018(data)


def _people_of_2017(data: dict) -> list[dict]:
    frames = []
    for entry in data['annolist']:
        people = []
        for rect in entry['annorect']:
            if 'annopoints' not in rect:
                continue
            points = rect['annopoints'][0]['point']
            one = {
                'id': rect['track_id'][0],
                'points': {p['id'][0]: (p['x'][0], p['y'][0]) for p in points},
                'scores': {p['id'][0]: p['score'][0] for p in points if 'score' in p},
            }
            if 'x1' in rect:
                one['head'] = 0.6 * math.hypot(
                    rect['x2'][0] - rect['x1'][0], rect['y2'][0] - rect['y1'][0]
                )
            people.append(one)
        polygons = [
            [(p['x'][0], p['y'][0]) for p in region['point']]
            for region in entry.get('ignore_regions', [])
        ]
        frames.append({'listed': bool(entry['annorect']), 'people': people, 'polygons': polygons})
        frames[-1]['labeled'] = entry['is_labeled'][0]
    return frames


def _people_of_2018(data: dict) -> list[dict]:
    names = data['categories'][0]['keypoints']
    frames = []
    for image in data['images']:
        people = []
        for annotation in data['annotations']:
            if annotation['image_id'] != image['id']:
                continue
            one = {'id': annotation['track_id'], 'points': {}, 'scores': {}}
            if 'bbox_head' in annotation:
                one['head'] = 0.6 * math.hypot(*annotation['bbox_head'][2:])
            for index, name in enumerate(names):
                x, y, visible = annotation['keypoints'][3 * index : 3 * index + 3]
                if name in JOINT_IDS_2017 and not x == y == visible == 0:
                    joint = JOINT_IDS_2017.index(name)
                    one['points'][joint] = (x, y)
                    one['scores'][joint] = annotation.get('scores', [-9999] * 17)[index]
            people.append(one)
        polygons = [
            list(zip(x, y))
            for x, y in zip(image.get('ignore_regions_x', []), image.get('ignore_regions_y', []))
        ]
        frames.append({'listed': bool(people), 'people': people, 'polygons': polygons})
        frames[-1]['labeled'] = image['is_labeled']
    return frames


def distance(target: dict, one: dict, joint: int) -> float | None:
    """Distance in head sizes; None if a keypoint is absent or they are too far apart."""
    if joint not in target['points'] or joint not in one['points']:
        return None
    (x, y), (other_x, other_y) = target['points'][joint], one['points'][joint]
    value = math.hypot(x - other_x, y - other_y) / target['head']
    return value if value <= 0.5 else None


def best(objects: list, near: dict) -> dict:
    """The assignment with the most pairs, and of those with the least sum of distances."""

    def search(index: int, taken: frozenset) -> tuple[int, float, dict]:
        if index == len(objects):
            return 0, 0.0, {}
        name = objects[index]
        choices = [search(index + 1, taken)]
        for (o, t), d in near.items():
            if o == name and t not in taken:
                lost, total, pairs = search(index + 1, taken | {t})
                choices.append((lost - 1, total + d, {name: t, **pairs}))
        return min(choices, key=lambda choice: choice[:2])

    return search(0, frozenset())[2]


def where(polygon: list, point: tuple) -> str:
    """'in', 'on' or 'out', by the even-odd rule, in exact arithmetic."""
    px, py = map(Fraction, point)
    crossings = 0
    for (ax, ay), (bx, by) in zip(polygon, polygon[1:] + polygon[:1]):
        ax, ay, bx, by = map(Fraction, (ax, ay, bx, by))
        on_line = (bx - ax) * (py - ay) == (by - ay) * (px - ax)
        if on_line and min(ax, bx) <= px <= max(ax, bx) and min(ay, by) <= py <= max(ay, by):
            return 'on'
        if (ay > py) != (by > py):
            crossings += px < ax + (py - ay) * (bx - ax) / (by - ay)
    return 'in' if crossings % 2 else 'out'
