"""The benchmark's arithmetic, with clocks that the entries move themselves."""

import json
import math

import numpy as np
import pytest
from mmengine.logging import print_log

from benchmarks.bench import Bench
from benchmarks.comparison import Comparison, relative_difference
from benchmarks.options import parse
from benchmarks.report import Report, Spread, show


class Clock:
    """Time that passes when an entry says so."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls = []

    def __call__(self) -> float:
        return self.now

    def taking(self, name, *seconds):
        """An entry whose calls take these times, the last one for ever."""
        left = list(seconds)

        def call():
            self.calls.append(name)
            self.now += left.pop(0) if len(left) > 1 else left[0]

        return call


@pytest.fixture
def clock():
    return Clock()


def comparison_of(clock, calls, **options):
    comparison = Comparison(clock, **{'baseline': 'theirs', **options})
    for name, call in calls.items():
        comparison.add(name, lambda call=call: call)
    return comparison


def test_medians_quartiles_and_both_ratios_are_those_of_the_rounds(clock):
    times = {'theirs': (8.0, 4.0, 6.0, 10.0, 12.0), 'ours': (2.0, 4.0, 1.0, 5.0, 3.0)}
    comparison = comparison_of(clock, {name: clock.taking(name, *t) for name, t in times.items()})
    comparison.run(5)
    assert Spread.of(comparison.seconds('theirs')) == Spread(8.0, 6.0, 10.0)
    assert Spread.of(comparison.seconds('ours'), 1e3) == Spread(3e3, 2e3, 4e3)
    of_medians, by_round = comparison.speedup('ours')
    assert of_medians == pytest.approx(8 / 3)
    wanted = np.percentile([8 / 2, 4 / 4, 6 / 1, 10 / 5, 12 / 3], (50, 25, 75))
    assert (by_round.median, by_round.lower, by_round.upper) == tuple(wanted)
    assert comparison.speedup('theirs') == (1.0, Spread(1.0, 1.0, 1.0))


def test_rounds_begin_with_another_entry_each_time(clock):
    comparison = comparison_of(clock, {name: clock.taking(name, 1.0) for name in 'abc'})
    comparison.run(4)
    assert ''.join(clock.calls) == 'abcbcacababc'


def test_warm_up_is_not_measured_and_says_how_often_to_repeat(clock):
    calls = {'quick': clock.taking('quick', 9.0, 0.25), 'slow': clock.taking('slow', 9.0, 2.0)}
    comparison = comparison_of(clock, calls, least_seconds=1.0)
    comparison.warm_up(2)
    clock.calls.clear()
    comparison.run(1)
    assert clock.calls == ['quick'] * 4 + ['slow']
    assert comparison.rounds == [{'quick': 0.25, 'slow': 2.0}]


def test_preparation_is_not_measured(clock):
    comparison = Comparison(clock)
    comparison.add(
        'a', lambda: clock.taking('a', 3.0), prepare=clock.taking('prepared', 100.0)
    )  # fmt: skip
    comparison.run(2)
    assert comparison.seconds('a') == [3.0, 3.0]
    assert clock.calls == ['prepared', 'a'] * 2


def test_an_entry_that_fails_is_named_and_the_others_go_on(clock):
    def fails():
        raise RuntimeError('no such kernel\nand a long trace')

    comparison = comparison_of(clock, {'theirs': clock.taking('theirs', 1.0), 'b': fails})
    comparison.warm_up(1)
    comparison.run(2)
    assert comparison.not_run == {'b': 'RuntimeError: no such kernel'}
    assert comparison.seconds('b') == []
    assert comparison.speedup('b') is None
    assert comparison.rounds == [{'theirs': 1.0}] * 2


def test_an_interruption_keeps_whole_rounds(clock):
    left = [1.0, 1.0]

    def interrupted():
        if not left:
            raise KeyboardInterrupt
        clock.now += left.pop()

    calls = {'theirs': clock.taking('theirs', 2.0), 'b': interrupted}
    comparison = comparison_of(clock, calls)
    with pytest.raises(KeyboardInterrupt):
        comparison.run(5)
    assert comparison.rounds == [{'theirs': 2.0, 'b': 1.0}] * 2
    assert comparison.speedup('b')[0] == 2.0


def test_an_entry_that_does_other_work_or_cannot_run_is_not_timed():
    def broken():
        raise ModuleNotFoundError("No module named 'openvino'")

    comparison = Comparison(baseline='theirs')
    right = np.arange(6.0)
    comparison.add('near', lambda: lambda: right + 1e-5, tolerance=1e-4)
    comparison.add('theirs', lambda: lambda: right)
    comparison.add('far', lambda: lambda: right + 0.1, tolerance=1e-4)
    comparison.add('nan', lambda: lambda: right * math.nan, tolerance=1e-4)
    comparison.add('shape', lambda: lambda: right[:5], tolerance=1e-4)
    comparison.add('absent', broken)
    comparison.check()
    assert set(comparison.entries) == {'theirs', 'near'}
    assert comparison.differences['near'] == pytest.approx(2e-6)  # over the maximum, 5
    assert comparison.not_run['far'] == 'not the same work: differs by 0.02, allowed 0.0001'
    assert 'not the same work: differs by nan' in comparison.not_run['nan']
    assert 'cannot be compared' in comparison.not_run['shape']
    assert comparison.not_run['absent'] == "ModuleNotFoundError: No module named 'openvino'"


def test_without_the_baseline_nothing_is_compared_and_the_others_are_timed(clock):
    def broken():
        raise ImportError('poseval')

    comparison = comparison_of(clock, {'theirs': broken, 'ours': clock.taking('ours', 1.0)})
    comparison.check()
    comparison.run(1)
    assert comparison.not_run == {'theirs': 'ImportError: poseval'}
    assert comparison.rounds == [{'ours': 1.0}]


def test_what_an_entry_warns_of_is_a_remark():
    def build():
        print_log('runs as it is, not optimized\nbecause', 'current', level=30)
        print_log('nothing to see', 'current', level=20)
        return lambda: np.ones(3)

    comparison = Comparison()
    comparison.add('MMPose', lambda: lambda: np.ones(3))
    comparison.add('ours', build)
    comparison.check()
    assert comparison.remarks == ['ours: runs as it is, not optimized']


def test_differences_are_over_the_largest_value_of_all_arrays():
    wanted = [np.array([1.0, -4.0]), np.array([[2.0]])]
    assert relative_difference([np.array([1.0, -4.0]), np.array([[2.5]])], wanted) == 0.125


def test_a_table_is_markdown_and_json_with_the_ratio_last(clock, tmp_path):
    calls = {'MMPose': clock.taking('m', 0.4), 'ours': clock.taking('o', 0.1)}
    comparison = comparison_of(clock, calls, baseline='MMPose')
    comparison.not_run['other'] = 'not installed'
    bench = Bench(parse(['--quick', '--device', 'cpu']), tmp_path)
    extra = {'off by': {'ours': 1e-5}.get}
    bench.measure(comparison, 'forward', 'image', items=8, extra=extra)
    (table,) = bench.report.tables
    lines = str(table).splitlines()
    assert lines[0] == '### forward'
    assert [cell.strip() for cell in lines[2].split('|')][-3:-1] == [
        'times MMPose', 'by round (quartiles)',
    ]  # fmt: skip
    assert lines[5] == '| ours | 12.5 (12.5-12.5) | 80.0 | 1.0e-05 | 4.00 | 4.00 (4.00-4.00) |'
    assert 'other | not run: not installed' in lines[6]
    assert len({line.count('|') for line in lines[2:]}) == 1
    row = json.loads(json.dumps(bench.report.as_dict()))['tables'][0]['rows'][1]
    assert row['times MMPose'] == pytest.approx(4.0)
    assert row['ms per image (quartiles)']['median'] == pytest.approx(12.5)


def test_an_interrupted_part_still_has_its_table(clock, tmp_path):
    def interrupted():
        clock.now += 0.1
        if len(clock.calls) > 2:
            raise KeyboardInterrupt

    calls = {'MMPose': clock.taking('m', 0.4), 'ours': interrupted}
    comparison = comparison_of(clock, calls, baseline='MMPose')
    bench = Bench(parse(['--quick', '--device', 'cpu']), tmp_path)
    with pytest.raises(KeyboardInterrupt):
        bench.measure(comparison, 'forward', 'image', difference=None)
    assert len(comparison.rounds) == 2
    assert [row[0] for row in bench.report.tables[0].rows] == ['MMPose', 'ours']


def test_rows_may_not_be_longer_than_their_table():
    with pytest.raises(AssertionError, match='2 cells in 1 columns'):
        Report().table('title', 'entry').add('ours', 1.0)


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
