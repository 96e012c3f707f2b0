"""Files are JSON that every reader takes."""

import json

import numpy as np
import pytest

from hrnet_ext.inference.outputs import JsonList
from hrnet_ext.writing import to_json, write_json


@pytest.mark.parametrize('odd', [float('nan'), float('inf'), -float('inf'), np.float64('nan')])
def test_what_is_not_finite_is_null_wherever_it_is(tmp_path, odd):
    write_json(tmp_path / 'a.json', {'a': odd, 'b': [1, [odd, 2.5], (odd, {'c': odd})]})
    text = (tmp_path / 'a.json').read_text()
    expected = {'a': None, 'b': [1, [None, 2.5], [None, {'c': None}]]}
    assert json.loads(text, parse_constant=pytest.fail) == expected


def test_other_content_stays_as_it_is(tmp_path):
    content = {'a': [1, 2.5, None, 'b', True]}
    write_json(tmp_path / 'a.json', content)
    assert (tmp_path / 'a.json').read_text() == '{"a":[1,2.5,null,"b",true]}\n'


def test_the_demos_list_has_null_likewise(tmp_path):
    entries = JsonList(tmp_path / 'a.json')
    entries.append({'score': [float('nan'), 1]})
    entries.close()
    expected = [{'score': [None, 1]}]
    assert json.loads((tmp_path / 'a.json').read_text(), parse_constant=pytest.fail) == expected


def test_numbers_and_arrays_of_numpy_are_written_as_plain_ones():
    content = {'PCK': np.float32(0.5), 'counts': np.arange(3), 'worst': np.float64('nan')}
    assert json.loads(to_json(content)) == {'PCK': 0.5, 'counts': [0, 1, 2], 'worst': None}
    with pytest.raises(TypeError, match='not JSON serializable'):
        to_json({'of': object()})
