"""Files are JSON that every reader takes."""

import json

import numpy as np
import pytest

from hrnet_ext.inference.outputs import JsonList
from hrnet_ext.writing import write_json


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
