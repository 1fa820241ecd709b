/** A part of a long list that is drawn again only when what it is given has changed. */

import { Component, type ComponentType } from 'preact';

/** Equal field by field, each as itself. */
export function isSame<P extends object>(one: P, other: P): boolean {
  const names = Object.keys(one) as (keyof P)[];
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
}

export function kept<P extends object>(Part: ComponentType<P>): ComponentType<P> {
  return class Kept extends Component<P> {
    public override shouldComponentUpdate(next: P): boolean {
      return !isSame(this.props as P, next);
    }

    public override render() {
      return <Part {...(this.props as P)} />;
    }
  };
}
