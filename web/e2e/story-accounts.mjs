/** How people get in: through a provider of OpenID Connect, and by an account of their own with mails. */

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
  await siti.page.waitForURL(/\/mymentor\/sign-in/);
  const refused = await siti.page.getByRole('alert').innerText();
  await siti.shows('the-school-refuses');
  return { name, refused, left: new URL(siti.page.url()).search };
}
