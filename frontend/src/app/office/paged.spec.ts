import { Paged, Part } from './paged';

interface Row {
  readonly id: string;
  readonly text?: string;
}

function listOf(...parts: Part<Row>[]): { readonly list: Paged<Row>; readonly asked: (string | null)[] } {
  const asked: (string | null)[] = [];
  const list = new Paged<Row>(
    (cursor) => {
      asked.push(cursor);
      return Promise.resolve(parts.shift()!);
    },
    ({ id }) => id,
  );
  return { list, asked };
}

function part(nextCursor: string | null, ...ids: string[]): Part<Row> {
  return { nextCursor, items: ids.map((id) => ({ id })) };
}

describe('a list in parts', () => {
  it('says whether a look has found something new', async () => {
    const { list } = listOf(part(null, 'a'), part(null, 'a'), part(null, 'a', 'b'));
    expect([await list.look(), await list.look(), await list.look()]).toEqual(['news', 'later', 'news']);
    expect(list.items()).toEqual([{ id: 'a' }, { id: 'b' }]);
  });

  it('shows the next part below, each row once, and then leaves all in their places', async () => {
    const { list, asked } = listOf(part('next', 'a', 'b'), part(null, 'b', 'c'));
    await list.look();
    await list.more();
    expect(list.items()?.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
    expect(list.nextCursor()).toBeNull();
    expect(await list.look()).toBe('later');
    expect(asked).toEqual([null, 'next']);
  });

  it('does not take an answer that left before something was done here', async () => {
    const { list } = listOf(part(null, 'a', 'b'), part(null, 'a', 'b'));
    await list.look();
    const late = list.look();
    list.drop('a');
    list.put({ id: 'b', text: 'new' });
    expect(await late).toBe('news');
    expect(list.items()).toEqual([{ id: 'b', text: 'new' }]);
  });
});
