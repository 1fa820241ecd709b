/** Devices that are signed in to one's account, each of which can be signed out from here. */

import type { DeviceSession } from '@tayang/client';
import { Icon, Loading, Trouble, useApp, usePages, useProblemText, useWhen } from '@tayang/shell';
import { useWords } from '../words.ts';
import { deviceName } from './device-name.ts';

export function Devices() {
  const { api, toasts } = useApp();
  const words = useWords();
  const textOf = useProblemText();
  const devices = usePages<DeviceSession>('devices', (cursor, signal) => api.devices({ cursor, signal, limit: 50 }));
  const signOut = (id: string): void => {
    api.signOutDevice(id).then(
      () => devices.change((items) => items.filter((one) => one.id !== id)),
      (problem: unknown) => toasts.problem(textOf(problem)),
    );
  };
  return (
    <section class="card">
      <h2>{words.settings.devices}</h2>
      {devices.items === null ? devices.problem === null ? <Loading rows={1} /> : <Trouble problem={devices.problem} retry={devices.reload} /> : null}
      <ul class="rows">
        {(devices.items ?? []).map((device) => (
          <DeviceRow key={device.id} device={device} onSignOut={() => signOut(device.id)} />
        ))}
      </ul>
    </section>
  );
}

function DeviceRow({ device, onSignOut }: { device: DeviceSession; onSignOut: () => void }) {
  const { now } = useApp();
  const words = useWords();
  const when = useWhen();
  const name = device.label === null || device.label === '' ? words.settings.unknownDevice : deviceName(device.label);
  return (
    <li class="device">
      <Icon name="device" />
      <div>
        <h3>{name}</h3>
        <p class="soft small">
          {device.current
            ? words.settings.thisDevice
            : device.seen_at === null
              ? words.settings.since(when.relative(device.created_at, now()))
              : words.settings.seen(when.relative(device.seen_at, now()))}
        </p>
      </div>
      {device.current ? null : (
        <button type="button" class="button" onClick={onSignOut}>
          {words.settings.signOutDevice}
          <span class="unseen"> {name}</span>
        </button>
      )}
    </li>
  );
}
