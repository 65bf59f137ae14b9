import { brotliBytes, emptyRoom, fetched, hasAllChunks, htmlBytes, roomOfHundred, weigh } from '../support/bytes.ts';
import { Member } from '../support/member.ts';
import { expect, test } from '../support/room.ts';
import { record } from '../support/figures.ts';
import { open, STAGE_ENV } from '../support/states.ts';

test.use({ serverEnv: STAGE_ENV });

test('bytes of a room', async ({ person }) => {
  const [ana, code] = await emptyRoom(person);
  const urls = fetched(ana.page);
  await open(ana, code);
  // Older programs have one file.
  await hasAllChunks(urls).catch(() => {});
  const { sizes, room, chunks } = await weigh(urls);

  urls.clear();
  const bo = await Member.enter({ name: 'Bo', origin: ana.origin }, { code });
  await bo.say('the **first**');
  await expect(ana.message('first').locator('strong')).toHaveText('first');
  const [parser = ''] = urls;
  record('bytes of a room, brotli', { ...sizes, room, chunks, parser: await brotliBytes(parser) });

  const [reader, hundred] = await roomOfHundred(person);
  record('bytes of the first HTML of a room with 100 messages, brotli', { html: await htmlBytes(reader, hundred) });
});
