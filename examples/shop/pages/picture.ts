import { html, raw } from 'hono/html'
import type { Motif, Product } from '../store/products.ts'
import type { Html } from './layout.ts'

/** Colours of the body, its shaded side, and dark details. */
type Paint = { body: string; shade: string; line: string }

/** Drawings on a 200 x 200 canvas; the table they stand on is at y = 156. */
const motifs: Record<Motif, (paint: Paint) => string> = {
  mug: ({ body, shade, line }) => `
    <path d="M124 88h14a20 20 0 0 1 0 40h-14" fill="none" stroke="${shade}" stroke-width="10"/>
    <path d="M60 72h66v66a18 18 0 0 1-18 18H78a18 18 0 0 1-18-18z" fill="${body}"/>
    <path d="M108 72h18v66a18 18 0 0 1-18 18z" fill="${shade}"/><path d="M58 68h70v8H58z" fill="${line}"/>`,
  bowl: ({ body, shade, line }) => `
    <path d="M40 92h120a60 60 0 0 1-44 58v6H84v-6a60 60 0 0 1-44-58z" fill="${body}"/>
    <path d="M126 92h34a60 60 0 0 1-44 58v6h-12c14-14 22-40 22-64z" fill="${shade}"/>
    <ellipse cx="100" cy="92" rx="60" ry="9" fill="${line}"/>`,
  pot: ({ body, shade, line }) => `
    <path d="M52 104c-18-2-20-16-30-18l4-8c16 2 18 14 30 16z" fill="${shade}"/>
    <path d="M148 92c24-6 26 36-2 40" fill="none" stroke="${shade}" stroke-width="9"/>
    <path d="M50 96h100c6 22-2 48-20 60H70c-18-12-26-38-20-60z" fill="${body}"/>
    <path d="M124 96h26c6 22-2 48-20 60h-16c12-16 16-38 10-60z" fill="${shade}"/>
    <path d="M58 96c4-22 80-22 84 0z" fill="${line}"/><circle cx="100" cy="74" r="7" fill="${line}"/>`,
  pan: ({ body, shade, line }) => `
    <path d="M120 124l62-34 6 10-60 40z" fill="${line}"/>
    <path d="M24 118h112l-8 28a14 14 0 0 1-14 10H46a14 14 0 0 1-14-10z" fill="${body}"/>
    <path d="M108 118h28l-8 28a14 14 0 0 1-14 10H94z" fill="${shade}"/>
    <ellipse cx="80" cy="118" rx="57" ry="9" fill="${line}"/>`,
  board: ({ body, shade, line }) => `
    <rect x="62" y="66" width="76" height="90" rx="12" fill="${body}"/>
    <path d="M112 66h14a12 12 0 0 1 12 12v66a12 12 0 0 1-12 12h-14z" fill="${shade}"/>
    <path d="M90 72V46a10 10 0 0 1 20 0v26z" fill="${body}"/><circle cx="100" cy="48" r="4" fill="${line}"/>
    <path d="M76 92v44M88 84v36M100 96v46" stroke="${line}" stroke-width="2" opacity=".35"/>`,
  bottle: ({ body, shade, line }) => `
    <path d="M88 52h24v24c0 12 18 16 18 36v32a12 12 0 0 1-12 12H82a12 12 0 0 1-12-12v-32c0-20 18-24 18-36z" fill="${body}"/>
    <path d="M104 52h8v24c0 12 18 16 18 36v32a12 12 0 0 1-12 12h-10c8-30-4-70-4-104z" fill="${shade}"/>
    <rect x="84" y="38" width="32" height="16" rx="4" fill="${line}"/>`,
  cloth: ({ body, shade, line }) => `
    <rect x="44" y="124" width="112" height="32" rx="14" fill="${shade}"/>
    <rect x="50" y="96" width="104" height="32" rx="14" fill="${body}"/>
    <rect x="46" y="68" width="108" height="32" rx="14" fill="${shade}"/>
    <path d="M120 68h12v32h-12zM120 96h12v32h-12zM120 124h12v32h-12z" fill="${line}" opacity=".8"/>`,
  book: ({ body, shade, line }) => `
    <rect x="62" y="52" width="80" height="104" rx="6" fill="${body}"/>
    <path d="M68 52h12v104H68a6 6 0 0 1-6-6V58a6 6 0 0 1 6-6z" fill="${shade}"/>
    <path d="M94 76h34v16H94z" fill="${line}" opacity=".85"/><path d="M124 52h8v104h-8z" fill="${line}"/>`,
  lamp: ({ body, shade, line }) => `
    <path d="M96 96h8v56h-8z" fill="${line}"/><ellipse cx="100" cy="152" rx="30" ry="6" fill="${line}"/>
    <path d="M76 42h48l26 60H50z" fill="${body}"/><path d="M104 42h20l26 60h-34z" fill="${shade}"/>
    <circle cx="100" cy="106" r="8" fill="#fff3c4"/>`,
  box: ({ body, shade, line }) => `
    <rect x="48" y="92" width="104" height="64" rx="5" fill="${body}"/>
    <path d="M118 92h34v59a5 5 0 0 1-5 5h-29z" fill="${shade}"/>
    <rect x="42" y="76" width="116" height="20" rx="5" fill="${line}"/>
    <rect x="74" y="112" width="28" height="12" rx="3" fill="${line}" opacity=".7"/>`,
  tent: ({ body, shade, line }) => `
    <path d="M100 56L20 156h160z" fill="${body}"/><path d="M100 56l80 100h-44z" fill="${shade}"/>
    <path d="M100 86l-26 70h52z" fill="${line}"/><path d="M94 48l6 10 6-10" fill="none" stroke="${line}" stroke-width="4"/>`,
  bag: ({ body, shade, line }) => `
    <path d="M74 84V70a26 26 0 0 1 52 0v14" fill="none" stroke="${line}" stroke-width="8"/>
    <path d="M50 82h100l8 62a12 12 0 0 1-12 12H54a12 12 0 0 1-12-12z" fill="${body}"/>
    <path d="M120 82h30l8 62a12 12 0 0 1-12 12h-22z" fill="${shade}"/>
    <rect x="70" y="108" width="46" height="28" rx="6" fill="${line}" opacity=".75"/>`,
  plant: ({ body, shade, line }) => `
    <path d="M100 112c-4-30-30-36-44-32 2 20 20 34 44 32z" fill="#6f9a62"/>
    <path d="M100 112c2-42 26-52 46-48-2 26-20 46-46 48z" fill="#5b8552"/>
    <path d="M100 112c-14-26-8-52 2-64 14 16 14 44-2 64z" fill="#86ae74"/>
    <path d="M66 112h68l-8 38a8 8 0 0 1-8 6H82a8 8 0 0 1-8-6z" fill="${body}"/>
    <path d="M112 112h22l-8 38a8 8 0 0 1-8 6h-12z" fill="${shade}"/><path d="M60 104h80v12H60z" fill="${line}"/>`,
  chair: ({ body, shade, line }) => `
    <path d="M66 112l-6 44M134 112l6 44M82 118l-2 38M118 118l2 38" stroke="${line}" stroke-width="7" stroke-linecap="round"/>
    <rect x="62" y="46" width="76" height="62" rx="16" fill="${shade}"/>
    <rect x="54" y="98" width="92" height="22" rx="11" fill="${body}"/>`,
  candle: ({ body, shade, line }) => `
    <path d="M100 40c10 12 12 20 0 30-12-10-10-18 0-30z" fill="#f2b64a"/><path d="M98 68h4v14h-4z" fill="${line}"/>
    <rect x="76" y="82" width="48" height="70" rx="6" fill="${body}"/>
    <path d="M106 82h12a6 6 0 0 1 6 6v58a6 6 0 0 1-6 6h-12z" fill="${shade}"/>
    <ellipse cx="100" cy="152" rx="40" ry="7" fill="${line}"/>`,
}

/** An inline SVG in the colours of the product's series, so there are no image files to load. */
export function picture({ motif, hue }: Pick<Product, 'motif' | 'hue'>): Html {
  const draw = motifs[motif] ?? motifs.box
  const colour = (saturation: number, lightness: number) => `hsl(${Number(hue)} ${saturation}% ${lightness}%)`
  const drawing = draw({ body: colour(40, 57), shade: colour(38, 47), line: colour(34, 28) })
  return html`<svg class="picture" viewBox="0 0 200 200" aria-hidden="true">
    <path d="M0 0h200v200H0z" fill="${colour(38, 92)}" /><path d="M0 150h200v50H0z" fill="${colour(30, 85)}" />
    <ellipse cx="104" cy="157" rx="66" ry="7" fill="${colour(25, 70)}" />
    ${raw(drawing)}
  </svg>`
}
