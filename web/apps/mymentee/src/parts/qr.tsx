/**
 * QR codes, drawn as one path: made here from a text, or taken from the server's SVG.
 *
 * Of a foreign SVG only shapes are taken, never script, style or links: it is read, and drawn anew.
 */

import { useEffect, useState } from 'preact/hooks';

/** Quiet zone that ISO/IEC 18004 asks for, in modules. */
const QUIET = 4;

interface Drawing {
  readonly size: number;
  readonly path: string;
}

async function draw(text: string): Promise<Drawing> {
  const { default: qrcode } = await import('qrcode-generator');
  const code = qrcode(0, 'M');
  code.addData(text, 'Byte');
  code.make();
  const count = code.getModuleCount();
  let path = '';
  for (let y = 0; y < count; y += 1) {
    for (let x = 0; x < count; x += 1) if (code.isDark(y, x)) path += `M${x + QUIET} ${y + QUIET}h1v1h-1z`;
  }
  return { size: count + 2 * QUIET, path };
}

/** A code made of `text`. */
export function Qr({ text, label }: { text: string; label: string }) {
  const [drawing, setDrawing] = useState<Drawing | null>(null);
  useEffect(() => {
    let wanted = true;
    draw(text).then(
      (made) => {
        if (wanted) setDrawing(made);
      },
      // Without the code that draws it the text beside it still serves.
      () => undefined,
    );
    return () => void (wanted = false);
  }, [text]);
  if (drawing === null) return <div class="qr" aria-hidden="true" />;
  return (
    <svg class="qr" viewBox={`0 0 ${drawing.size} ${drawing.size}`} role="img" aria-label={label}>
      <path d={drawing.path} fill="#12152a" shape-rendering="crispEdges" />
    </svg>
  );
}

interface Shape {
  readonly tag: 'path' | 'rect';
  readonly attributes: Readonly<Record<string, string>>;
}

const TAKEN = new Set(['d', 'x', 'y', 'width', 'height', 'fill', 'stroke', 'stroke-width', 'transform']);
const SHAPES_MAX = 20_000;

export interface ForeignQr {
  readonly viewBox: string;
  readonly shapes: readonly Shape[];
}

/** Reads the server's SVG; `null` if it is none. */
export function readQr(svg: string): ForeignQr | null {
  const root = new DOMParser().parseFromString(svg, 'image/svg+xml').documentElement;
  if (root.localName !== 'svg') return null;
  const width = Number.parseFloat(root.getAttribute('width') ?? '');
  const height = Number.parseFloat(root.getAttribute('height') ?? '');
  const viewBox = root.getAttribute('viewBox') ?? (width > 0 && height > 0 ? `0 0 ${width} ${height}` : null);
  if (viewBox === null || !/^[\d.\s-]+$/.test(viewBox)) return null;
  const shapes = Array.from(root.querySelectorAll('path, rect'))
    .slice(0, SHAPES_MAX)
    .map((element): Shape => {
      const attributes = Array.from(element.attributes).filter(({ name, value }) => TAKEN.has(name) && !value.includes('url('));
      return { tag: element.localName === 'rect' ? 'rect' : 'path', attributes: Object.fromEntries(attributes.map(({ name, value }) => [name, value])) };
    });
  return shapes.length === 0 ? null : { viewBox, shapes };
}

/** A code that the server drew. */
export function ServerQr({ svg, label }: { svg: string; label: string }) {
  const read = readQr(svg);
  if (read === null) return null;
  return (
    <svg class="qr" viewBox={read.viewBox} role="img" aria-label={label} shape-rendering="crispEdges">
      {read.shapes.map(({ tag: Tag, attributes }, at) => (
        <Tag key={at} {...attributes} />
      ))}
    </svg>
  );
}
