/** Every sentence of the shell, by name. Each language gives them all. */

export interface ShellWords {
  readonly skip: string;
  readonly menu: string;
  readonly language: string;
  readonly theme: string;
  readonly themes: Readonly<Record<'system' | 'light' | 'dark', string>>;
  readonly close: string;
  readonly cancel: string;
  readonly save: string;
  readonly saved: string;
  readonly retry: string;
  readonly back: string;
  readonly more: string;
  readonly loading: string;
  readonly offline: string;
  readonly unreachable: string;
  readonly backOnline: string;
  readonly optional: string;
  readonly problem: {
    readonly title: string;
    readonly offline: string;
    readonly unreachable: string;
    readonly unauthorised: string;
    readonly forbidden: string;
    readonly missing: string;
    readonly conflict: string;
    readonly tooFast: (seconds: number) => string;
    readonly fields: string;
    readonly server: string;
    readonly unknown: string;
    /** For problems that the status alone does not tell. */
    readonly codes: Readonly<Record<string, string>>;
    readonly fieldCodes: Readonly<Record<string, string>>;
  };
  readonly notFound: { readonly title: string; readonly text: string; readonly home: string };
  readonly state: Readonly<Record<'scheduled' | 'onAir' | 'waiting' | 'stalled' | 'ended' | 'cancelled', string>>;
  readonly recorded: { readonly parts: string; readonly part: (n: number) => string };
  readonly field: {
    readonly email: string;
    readonly password: string;
    readonly newPassword: string;
    readonly passwordHint: string;
    readonly showPassword: string;
    readonly hidePassword: string;
    readonly name: string;
    readonly required: string;
    readonly emailInvalid: string;
  };
  readonly signIn: {
    readonly title: (app: string) => string;
    readonly lead: string;
    readonly act: string;
    readonly forgotten: string;
    readonly create: string;
    readonly createLead: string;
    readonly or: string;
    readonly with: (provider: string) => string;
    readonly passkey: string;
    readonly wrong: string;
    readonly providerFailed: string;
  };
  readonly signOut: string;
  readonly link: {
    readonly title: string;
    readonly working: string;
    readonly failed: string;
    readonly failedText: string;
    readonly isReset: string;
    readonly isResetText: string;
    readonly forPassword: string;
    readonly typed: string;
    readonly typedByMe: string;
    readonly chooseAnother: string;
    readonly act: string;
    readonly lead: string;
  };
  readonly forgotten: {
    readonly title: string;
    readonly lead: string;
    readonly act: string;
    readonly sent: string;
    readonly sentText: (email: string) => string;
    readonly otherAddress: string;
    readonly back: string;
  };
  readonly newPassword: {
    readonly title: string;
    readonly lead: string;
    readonly act: string;
    readonly done: string;
    readonly firstLead: string;
    readonly firstDone: string;
    readonly noToken: string;
    readonly noTokenText: string;
    readonly again: string;
  };
  readonly create: {
    readonly title: string;
    readonly lead: string;
    readonly act: string;
    readonly nameHint: string;
    readonly sent: string;
    readonly sentText: (email: string) => string;
    readonly have: string;
  };
}
