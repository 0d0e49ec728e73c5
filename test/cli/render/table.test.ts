import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderTable } from '../../../src/cli/render/table.ts';

test('columns are as wide as their widest cell, and no line ends in spaces', () => {
  const table = renderTable(
    ['NODE', 'VERDICT', 'BECAUSE'],
    [
      ['a', 'healthy', ''],
      ['central-1', 'rotten', 'damaged record'],
    ],
  );
  assert.equal(
    table,
    'NODE       VERDICT  BECAUSE\na          healthy\ncentral-1  rotten   damaged record\n',
  );
});

test('a table without rows is its header', () => {
  assert.equal(renderTable(['A', 'B'], []), 'A  B\n');
});
