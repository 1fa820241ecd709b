/** How people get in: through a provider of OpenID Connect, by an account of their own with mails, and by passkey. */

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from './story-people.mjs';

/** Tells the provider who signs in next, or that it refuses. */
async function tell(provider, what) {
  const answer = await fetch(`${provider}/test/control`, { method: 'POST', body: JSON.stringify(what) });
  if (!answer.ok) throw new Error(`the provider answered ${answer.status}`);
}

/** A mentee comes in by the school's sign-in, goes on to where they wanted to go, and out; then the school refuses. */
export async function providerStory(story, enter) {
  const { provider } = story.links;
  await tell(provider, { back: new URL(story.base).origin });
  await tell(provider, { as: '42', claims: { email: 'siti@sekolah.test', email_verified: true, name: 'Siti Aminah', locale: 'id', zoneinfo: 'Asia/Makassar', groups: [] } });
  const siti = await enter('siti');
  await siti.go('/mymentor/lessons');
  await siti.page.waitForURL(/\/mymentor\/sign-in/);
  await siti.shows('the-school-is-offered');
  await siti.page.getByRole('link', { name: 'Masuk dengan Sekolah' }).click();
  await siti.page.waitForURL(/\/mymentor\/lessons$/);
  await siti.page.getByRole('heading', { level: 1, name: 'Pelajaran saya' }).waitFor();
  await siti.go('/mymentor/settings');
  const name = await siti.page.getByLabel('Nama', { exact: true }).inputValue();
  await siti.shows('who-the-school-says');
  await siti.page.getByRole('button', { name: 'Keluar', exact: true }).click();
  await siti.page.waitForURL(/\/mymentor\/sign-in/);
  await siti.page.context().clearCookies();
  await tell(provider, { refuse: true });
  await siti.page.getByRole('link', { name: 'Masuk dengan Sekolah' }).click();
  // The page that was left is a sign-in page too, with nothing to say.
  const refused = await siti.page.getByRole('alert').filter({ hasText: /\S/ }).innerText();
  await siti.page.waitForURL((url) => url.search === '');
  await siti.shows('the-school-refuses');
  return { name, refused };
}

/** The text of a mail as it was written (RFC 2045 §6.7, §6.8). */
function plain(mail) {
  const [head, ...rest] = mail.replaceAll('\r\n', '\n').split('\n\n');
  const body = rest.join('\n\n');
  if (/^content-transfer-encoding: base64/im.test(head)) return Buffer.from(body, 'base64').toString();
  if (!/^content-transfer-encoding: quoted-printable/im.test(head)) return body;
  return body.replaceAll('=\n', '').replaceAll(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** The link in the next mail that has one; that a password was changed is told without. */
async function nextLink(story, read) {
  const { mails } = story.links;
  const link = await until('a mail with a link', async () => {
    for (const name of await readdir(mails)) {
      if (!name.endsWith('.eml') || read.has(name)) continue;
      read.add(name);
      const found = /https?:\/\/\S+#[\w-]+/.exec(plain(await readFile(join(mails, name), 'utf8')))?.[0];
      if (found !== undefined) return found;
    }
    return null;
  });
  story.secrets.push(new URL(link).hash.slice(1));
  return link;
}

async function signUp(person, [name, email, password]) {
  await person.go('/mymentor/create-account');
  await person.page.getByLabel('Nama').fill(name);
  await person.page.getByLabel('Surel').fill(email);
  await person.page.getByLabel('Kata sandi', { exact: true }).fill(password);
  await person.page.getByRole('button', { name: 'Buat akun' }).click();
  await person.page.getByText('Tinggal satu langkah').waitFor();
}

/** Opens the mail where the password was typed, and says that it was typed by whoever opens it. */
async function confirms(person, link) {
  await person.page.goto(link);
  await person.button('Masuk sekarang').click();
  await person.page.getByText('Apakah Anda sendiri yang mengetiknya?').waitFor();
  await person.shows('who-typed-the-password-is-asked');
  await person.button('Ya, pakai itu dan masuk').click();
  await person.page.getByRole('heading', { level: 1, name: /^Halo, / }).waitFor();
}

async function signInWith(person, email, password) {
  await person.go('/mymentor/sign-in');
  await person.page.getByLabel('Surel').fill(email);
  await person.page.getByLabel('Kata sandi', { exact: true }).fill(password);
  await person.page.getByRole('button', { name: 'Masuk', exact: true }).click();
}

/**
 * Siti makes an account, opens the mail on the same phone and is in; forgets her password and chooses another. Somebody else
 * signs up with the address of Budi: it is he who chooses the password, and the stranger's opens nothing.
 */
export async function mailStory(story, enter) {
  const read = new Set();
  const [first, second, strangers, his] = ['gerak lurus beraturan', 'gaya gesek statis', 'momentum sudut tetap', 'hukum kekekalan'];
  story.secrets.push(first, second, strangers, his);
  const siti = await enter('siti');
  await signUp(siti, ['Siti Aminah', 'siti@example.test', first]);
  await siti.shows('a-mail-is-on-its-way');
  await confirms(siti, await nextLink(story, read));
  await siti.page.context().clearCookies();
  await signInWith(siti, 'siti@example.test', first);
  await siti.page.getByRole('heading', { level: 1, name: 'Halo, Siti' }).waitFor();
  await siti.page.context().clearCookies();
  await siti.go('/mymentor/forgotten');
  await siti.page.getByLabel('Surel').fill('siti@example.test');
  await siti.page.getByRole('button', { name: 'Kirim tautan' }).click();
  await siti.page.getByText('Periksa surel Anda').waitFor();
  await siti.page.goto(await nextLink(story, read));
  await siti.page.getByLabel('Kata sandi baru', { exact: true }).fill(second);
  await siti.shows('another-password');
  await siti.page.getByRole('button', { name: 'Simpan kata sandi' }).click();
  await siti.page.waitForURL(/sign-in/);
  await signInWith(siti, 'siti@example.test', first);
  await siti.page.getByText('tidak cocok').waitFor();
  await signInWith(siti, 'siti@example.test', second);
  await siti.page.getByRole('heading', { level: 1, name: 'Halo, Siti' }).waitFor();

  const stranger = await enter('stranger');
  await signUp(stranger, ['Budi', 'budi@example.test', strangers]);
  const budi = await enter('budi');
  await budi.signIn(await nextLink(story, read));
  await budi.page.getByLabel('Kata sandi baru', { exact: true }).fill(his);
  await budi.shows('who-has-the-address-chooses');
  await budi.page.getByRole('button', { name: 'Simpan kata sandi' }).click();
  await budi.page.getByRole('heading', { level: 1, name: 'Halo, Budi' }).waitFor();
  await signInWith(stranger, 'budi@example.test', strangers);
  await stranger.page.getByText('tidak cocok').waitFor();
  await stranger.shows('what-the-stranger-typed-opens-nothing');
  return {};
}

/** A phone that keeps passkeys and asks for a finger, which is always the right one. */
async function keepsPasskeys(person) {
  const devtools = await person.page.context().newCDPSession(person.page);
  await devtools.send('WebAuthn.enable');
  const options = { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true };
  const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', { options });
  return async () => (await devtools.send('WebAuthn.getCredentials', { authenticatorId })).credentials;
}

/** Signs out. The phone offers its passkey where the address is typed, and nobody is there to choose: it chooses by itself. */
async function leaves(person, { offers }) {
  await person.go('/mymentor/settings');
  if (!offers) await person.page.evaluate(() => Object.assign(PublicKeyCredential, { isConditionalMediationAvailable: async () => false }));
  await person.page.getByRole('button', { name: 'Keluar', exact: true }).click();
}

/** Siti adds a passkey on her phone, signs in with it by the button and as her phone fills it in, and removes it: from then on it opens nothing. */
export async function passkeyStory(story, enter) {
  const password = 'gerak lurus beraturan';
  story.secrets.push(password);
  const siti = await enter('siti');
  const kept = await keepsPasskeys(siti);
  await signUp(siti, ['Siti Aminah', 'siti@example.test', password]);
  await confirms(siti, await nextLink(story, new Set()));
  await siti.go('/mymentor/settings');
  await siti.button('Tambah passkey').click();
  await siti.page.getByLabel('Nama passkey').fill('Ponsel Siti');
  await siti.page.getByLabel('Kata sandi sekarang').fill(password);
  await siti.shows('adds-a-passkey');
  await siti.button('Buat di perangkat ini').click();
  await siti.page.getByRole('heading', { name: 'Ponsel Siti' }).waitFor();
  await siti.page.getByText('belum pernah dipakai').waitFor();
  await siti.shows('has-a-passkey');
  const [passkey, ...more] = await kept();
  if (more.length > 0 || !passkey.isResidentCredential) throw new Error(`the phone keeps ${JSON.stringify([passkey, ...more])}`);

  await leaves(siti, { offers: false });
  await siti.button('Masuk dengan passkey').waitFor();
  await siti.shows('a-passkey-is-offered');
  await siti.button('Masuk dengan passkey').click();
  // Where she left.
  await siti.page.getByRole('heading', { level: 1, name: 'Akun' }).waitFor();
  await siti.page.locator('.device').filter({ hasText: 'Ponsel Siti' }).getByText('terakhir dipakai').waitFor();

  const chosen = siti.page.waitForResponse((answer) => answer.url().endsWith('/api/v1/session/passkey') && answer.ok());
  await leaves(siti, { offers: true });
  await chosen;
  await siti.page.getByRole('heading', { level: 1, name: 'Akun' }).waitFor();
  await siti.button('Hapus Ponsel Siti').click();
  await siti.page.getByRole('dialog').getByRole('button', { name: 'Hapus' }).click();
  await siti.page.getByRole('heading', { name: 'Ponsel Siti' }).waitFor({ state: 'detached' });

  await leaves(siti, { offers: false });
  await siti.button('Masuk dengan passkey').click();
  await siti.page.getByText('tidak bisa dipakai untuk masuk di sini').waitFor();
  await siti.shows('what-was-removed-opens-nothing');
  return { rp: passkey.rpId };
}
