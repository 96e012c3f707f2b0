"""The benchmark's arithmetic, with clocks that the contestants move themselves."""

import math

import numpy as np
import pytest
from mmengine.logging import print_log

from hrnet_ext.benchmark.contest import Contest, Spread
from hrnet_ext.benchmark.line_up import LineUp, relative_difference
from hrnet_ext.benchmark.report import Report, show
from hrnet_ext.benchmark.timing_table import add_timings, timing_columns


class Clock:
    """Time that passes when a contestant says so."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls = []

    def __call__(self) -> float:
        return self.now

    def taking(self, name, *seconds):
        """A contestant whose calls take these times, the last one for ever."""
        left = list(seconds)

        def call():
            self.calls.append(name)
            self.now += left.pop(0) if len(left) > 1 else left[0]

        return call


@pytest.fixture
def clock():
    return Clock()


def contest_of(clock, contestants, **options):
    return Contest(contestants, clock=clock, **options)


def test_medians_quartiles_and_both_ratios_are_those_of_the_rounds(clock):
    times = {'theirs': (8.0, 4.0, 6.0, 10.0, 12.0), 'ours': (2.0, 4.0, 1.0, 5.0, 3.0)}
    contest = contest_of(clock, {name: clock.taking(name, *t) for name, t in times.items()})
    contest.run(5)
    assert contest.seconds('theirs') == Spread(8.0, 6.0, 10.0)
    assert contest.seconds('ours') == Spread(3.0, 2.0, 4.0)
    ratio = contest.ratio('ours', 'theirs')
    assert ratio.of_medians == pytest.approx(8 / 3)
    by_round = np.percentile([8 / 2, 4 / 4, 6 / 1, 10 / 5, 12 / 3], (50, 25, 75))
    assert (ratio.by_round.median, ratio.by_round.lower, ratio.by_round.upper) == tuple(by_round)
    assert contest.ratio('theirs', 'theirs').by_round == Spread(1.0, 1.0, 1.0)


def test_rounds_begin_with_another_contestant_each_time(clock):
    contest = contest_of(clock, {name: clock.taking(name, 1.0) for name in 'abc'})
    contest.run(4)
    assert ''.join(clock.calls) == 'abcbcacababc'


def test_warm_up_is_not_measured_and_says_how_often_to_repeat(clock):
    contest = contest_of(
        clock, {'quick': clock.taking('quick', 9.0, 0.25), 'slow': clock.taking('slow', 9.0, 2.0)},
        least_seconds=1.0,
    )  # fmt: skip
    contest.warm_up(2)
    clock.calls.clear()
    contest.run(1)
    assert clock.calls == ['quick'] * 4 + ['slow']
    assert contest.rounds == [{'quick': 0.25, 'slow': 2.0}]


def test_what_is_prepared_and_what_came_before_is_nobodys_time(clock):
    waits = []
    contest = contest_of(
        clock, {'a': clock.taking('a', 3.0)}, synchronize=lambda: waits.append(clock.now),
        prepare={'a': clock.taking('prepared', 100.0)},
    )  # fmt: skip
    contest.run(2)
    assert contest.seconds('a') == Spread(3.0, 3.0, 3.0)
    assert waits == [100.0, 103.0, 203.0, 206.0]  # before and after each timing


def test_who_fails_is_out_and_named_and_the_others_go_on(clock):
    def fails():
        raise RuntimeError('no such kernel\nand a long trace')

    contest = contest_of(clock, {'a': clock.taking('a', 1.0), 'b': fails})
    contest.warm_up(1)
    contest.run(2)
    assert contest.not_run == {'b': 'RuntimeError: no such kernel'}
    assert contest.seconds('b') is None
    assert contest.ratio('b', 'a') is None
    assert contest.rounds == [{'a': 1.0}] * 2


def test_an_interruption_keeps_whole_rounds(clock):
    left = [1.0, 1.0]

    def interrupted():
        if not left:
            raise KeyboardInterrupt
        clock.now += left.pop()

    contest = contest_of(clock, {'a': clock.taking('a', 2.0), 'b': interrupted})
    with pytest.raises(KeyboardInterrupt):
        contest.run(5)
    assert contest.rounds == [{'a': 2.0, 'b': 1.0}] * 2
    assert contest.ratio('b', 'a').of_medians == 2.0


def test_who_does_other_work_or_cannot_run_does_not_take_part():
    def broken():
        raise ModuleNotFoundError("No module named 'openvino'")

    line_up = LineUp()
    right = np.arange(6.0)
    line_up.enter('MMPose', lambda: lambda: right)
    line_up.enter('near', lambda: lambda: right + 1e-5, tolerance=1e-4)
    line_up.enter('far', lambda: lambda: right + 0.1, tolerance=1e-4)
    line_up.enter('nan', lambda: lambda: right * math.nan, tolerance=1e-4)
    line_up.enter('shape', lambda: lambda: right[:5], tolerance=1e-4)
    line_up.enter('absent', broken)
    line_up.check('MMPose')
    assert list(line_up.contestants) == ['MMPose', 'near']
    assert line_up.differences['near'] == pytest.approx(2e-6)  # over the maximum, 5
    assert line_up.not_run['far'] == 'not the same work: differs by 0.02, allowed 0.0001'
    assert 'not the same work: differs by nan' in line_up.not_run['nan']
    assert 'cannot be compared' in line_up.not_run['shape']
    assert line_up.not_run['absent'] == "ModuleNotFoundError: No module named 'openvino'"


def test_what_a_contestant_warns_of_is_a_remark():
    def build():
        print_log('runs as it is, not optimized\nbecause', 'current', level=30)
        print_log('nothing to see', 'current', level=20)
        return lambda: np.ones(3)

    line_up = LineUp()
    line_up.enter('MMPose', lambda: lambda: np.ones(3))
    line_up.enter('ours', build)
    line_up.check('MMPose')
    assert line_up.remarks == ['ours: runs as it is, not optimized']


def test_differences_are_over_the_largest_value_of_all_arrays():
    wanted = [np.array([1.0, -4.0]), np.array([[2.0]])]
    assert relative_difference([np.array([1.0, -4.0]), np.array([[2.5]])], wanted) == 0.125


def test_a_table_is_markdown_and_json_with_the_ratio_last(clock):
    contest = contest_of(
        clock, {'MMPose': clock.taking('m', 0.4), 'ours': clock.taking('o', 0.1)},
        not_run={'other': 'not installed'},
    )  # fmt: skip
    contest.run(3)
    report = Report({'processor': 'abacus'}, {'quick': True})
    table = report.table('forward', *timing_columns('image', ('off by',), 'MMPose'))
    extra = {'off by': {'ours': 1e-5}.get}
    add_timings(table, contest, items=8, baseline='MMPose', extra=extra)
    lines = str(table).splitlines()
    assert lines[0] == '### forward'
    assert [cell.strip() for cell in lines[2].split('|')][-3:-1] == [
        'times MMPose', 'by round (quartiles)',
    ]  # fmt: skip
    assert lines[5] == '| ours | 12.5 (12.5-12.5) | 80.0 | 1.0e-05 | 4.00 | 4.00 (4.00-4.00) |'
    assert 'other | not run: not installed' in lines[6]
    assert len({line.count('|') for line in lines[2:]}) == 1
    row = report.as_dict()['tables'][0]['rows'][1]
    assert row['times MMPose'] == pytest.approx(4.0)
    assert row['ms per image (quartiles)']['median'] == pytest.approx(12.5)
    assert report.as_dict()['machine'] == {'processor': 'abacus'}


@pytest.mark.parametrize(
    ('value', 'text'),
    [
        (123.456, '123'), (12.3456, '12.3'), (1.23456, '1.23'), (0.0123456, '0.0123'),
        (0.0, '0'), (1.5e-7, '1.5e-07'), (float('nan'), 'nan'), (None, ''), (5, '5'), ('x', 'x'),
        (Spread(2.0, 1.0, 3.0), '2.00 (1.00-3.00)'),
    ],
)  # fmt: skip
def test_cells_show_three_digits(value, text):
    assert show(value) == text
