import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { bitsText, bytes, describeMs, shareText } from '../../src/lib/format.ts'
import {
  anySize,
  bitsPerSecond,
  decimalNumber,
  durationMs,
  offsetMs,
  perSecond,
  type Quantity,
  readQuantity,
  share,
  sizeBytes,
  wholeNumber,
} from '../../src/lib/quantities.ts'

const duration = durationMs({ example: '20s' })
const rate = bitsPerSecond({ example: '100mbit' })
const part = share({ example: '5%' })
const frequency = perSecond({ example: '20/s' })
const offset = offsetMs({ most: 3_600_000, example: '30s or -30s' })
const whole = wholeNumber({ example: '7' })
const decimal = decimalNumber({ example: '20' })

type Row = readonly [text: string, value: number]
const accepted: readonly (readonly [name: string, quantity: Quantity, rows: readonly Row[]])[] = [
  [
    'a duration',
    duration,
    [
      ['250ms', 250],
      ['1.5s', 1500],
      ['60s', 60_000],
      ['5min', 300_000],
      ['5m', 300_000],
      ['1min', 60_000],
      ['2h', 7_200_000],
      ['0', 0],
      ['0s', 0],
      ['1.5 min', 90_000],
      [' 20s ', 20_000],
      ['20S', 20_000],
      ['0.25ms', 0.25],
      ['1.005s', 1005],
    ],
  ],
  [
    'an offset',
    offset,
    [
      ['30s', 30_000],
      ['-30s', -30_000],
      ['0', 0],
      ['-0', 0],
      ['-1h', -3_600_000],
    ],
  ],
  [
    'a size',
    anySize,
    [
      ['64mb', 67_108_864],
      ['256 MB', 268_435_456],
      ['1gb', 1_073_741_824],
      ['1kb', 1024],
      ['10b', 10],
      ['4096b', 4096],
      ['0b', 0],
    ],
  ],
  [
    'a data rate',
    rate,
    [
      ['100mbit', 1e8],
      ['100mbit/s', 1e8],
      ['100 Mbit / s', 1e8],
      ['512kbit', 512_000],
      ['5000bit', 5000],
      ['1.5gbit', 1.5e9],
      ['none', 0],
      ['None', 0],
      ['0', 0],
    ],
  ],
  [
    'a share',
    part,
    [
      ['1%', 0.01],
      ['0.01', 0.01],
      ['7 %', 0.07],
      ['0.29%', 0.0029],
      ['100%', 1],
      ['1', 1],
      ['0', 0],
    ],
  ],
  [
    'a frequency',
    frequency,
    [
      ['20/s', 20],
      ['20', 20],
      ['90/min', 1.5],
      ['90/m', 1.5],
      ['3600/h', 1],
      ['200 / s', 200],
      ['3.5', 3.5],
    ],
  ],
  [
    'a whole number',
    whole,
    [
      ['7', 7],
      ['0', 0],
      ['999999999999999', 999_999_999_999_999],
    ],
  ],
  [
    'a number',
    decimal,
    [
      ['20', 20],
      ['0.5', 0.5],
    ],
  ],
]

/** Invalid for every kind of quantity. */
const hostile = [
  '',
  ' ',
  '-1s',
  '-1',
  '1e9s',
  '1e9',
  '1,5s',
  '1.5.5s',
  '.5s',
  '5.',
  '+5s',
  '0x10',
  '∞',
  'Infinity',
  'NaN',
  '٣s',
  '5 s s',
  '5s 5s',
  '20s\n20s',
  '%',
  's',
  '/s',
  '20/s/s',
  '1000000000000000000000',
  '9999999999999999999999999999s',
  'constructor',
  '1constructor',
  '1__proto__',
]

suite('a typed quantity', () => {
  for (const [name, quantity, rows] of accepted)
    test(`${name}: the grammar`, () => {
      assert.deepEqual(
        rows.map(([text]) => [text, quantity.parse(text)]),
        rows,
      )
    })

  test('invalid quantities are refused by every kind', () => {
    for (const [name, quantity] of accepted)
      for (const text of hostile.filter((one) => !(quantity === offset && one === '-1s')))
        assert.equal(quantity.parse(text), undefined, `${name}: ${JSON.stringify(text)}`)
  })

  test('each kind accepts only its own units; only 0 may omit the unit', () => {
    assert.deepEqual(['60', '1d', '60mb', '5%'].map(duration.parse), Array(4).fill(undefined))
    assert.deepEqual(['1.5gb', '1tb', '64mbit', '1mib'].map(anySize.parse), Array(4).fill(undefined))
    assert.deepEqual(['100', '100mb', '100mbit/min', '1bit/ms'].map(rate.parse), Array(4).fill(undefined))
    assert.deepEqual(['2', '101%', '1.01', '5s'].map(part.parse), Array(4).fill(undefined))
    assert.deepEqual(['20/ms', '20/d', '20s', '20%'].map(frequency.parse), Array(4).fill(undefined))
    assert.deepEqual(['1.0', '7s'].map(whole.parse), Array(2).fill(undefined))
  })

  test('numbers too large to be exact are refused', () => {
    assert.equal(anySize.parse('999999999999gb'), undefined)
    assert.equal(duration.parse('999999999999999h'), undefined)
    assert.equal(anySize.parse(`${Number.MAX_SAFE_INTEGER}`), undefined, '16 digits')
  })

  test('any text gives a finite number within the bounds, or none', () => {
    const bounds = { least: 1, most: 1000 }
    const bounded = [
      durationMs({ ...bounds, example: '' }),
      sizeBytes({ ...bounds, example: '' }),
      perSecond({ ...bounds, example: '' }),
      decimalNumber({ ...bounds, example: '' }),
      wholeNumber({ ...bounds, example: '' }),
    ]
    const text = fc.oneof(
      fc.string(),
      fc.stringMatching(/^-?\d{0,20}[.,e]?\d{0,5} ?(ms|s|m|min|h|b|kb|mb|\/s|%)?$/),
    )
    fc.assert(
      fc.property(text, (one) => {
        for (const quantity of bounded) {
          const value = quantity.parse(one)
          assert.ok(value === undefined || (value >= bounds.least && value <= bounds.most))
        }
        for (const [, quantity] of accepted) {
          const value = quantity.parse(one)
          assert.ok(value === undefined || Number.isSafeInteger(Math.trunc(value)))
        }
      }),
    )
  })
})

suite('bounds', () => {
  const lasting = durationMs({ above: 0, most: 3_600_000, example: '20s' })

  test('appear in the expectation, in the notation that users type', () => {
    const expected = (quantity: Quantity) => quantity.expected
    assert.deepEqual(
      [
        duration,
        lasting,
        durationMs({ least: 1000, most: 86_400_000, example: '60s' }),
        durationMs({ most: 60_000, example: '40ms' }),
        sizeBytes({ least: 256 * 1024 ** 2, most: 4 * 1024 ** 3, example: '512mb' }),
        anySize,
        bitsPerSecond({ least: 1000, most: 1e12, example: '100mbit' }),
        share({ above: 0, example: '5%' }),
        wholeNumber({ least: 1, example: '3' }),
      ].map(expected),
      [
        'a time such as 20s',
        'a time above 0 and at most 1h, such as 20s',
        'a time from 1s to 24h, such as 60s',
        'a time of at most 1min, such as 40ms',
        'a size from 256mb to 4gb, such as 512mb (units b, kb, mb, gb)',
        'a size such as "256mb" (units b, kb, mb, gb)',
        'a data rate from 1kbit to 1000gbit, such as 100mbit, or none',
        'a share above 0 and at most 100%, such as 5%',
        'a whole number from 1, such as 3',
      ],
    )
  })

  test('apply; `above` excludes its value', () => {
    assert.deepEqual(['0', '1ms', '1h', '3600001ms'].map(lasting.parse), [undefined, 1, 3_600_000, undefined])
    assert.deepEqual(['30min', '-2h', '2h'].map(offsetMs({ most: 3_600_000, example: '30s' }).parse), [
      1_800_000,
      undefined,
      undefined,
    ])
  })

  test('do not apply to a data rate of none', () => {
    const link = bitsPerSecond({ least: 1000, most: 1e12, example: '100mbit' })
    assert.deepEqual(['none', '0', '10bit', '1kbit'].map(link.parse), [0, 0, undefined, 1000])
  })
})

test('an error names the option, the expectation with an example, and the input', () => {
  assert.throws(() => readQuantity(duration, '--for', '20'), {
    code: 'usage_duration',
    message: '--for: expected a time such as 20s, got "20"',
    remedy: 'did you mean 20s?',
  })
  for (const [quantity, text, meant] of [
    [duration, '5', '5s'],
    [duration, '5 minutes', '5min'],
    [durationMs({ most: 60_000, example: '40ms' }), '40', '40ms'],
    [anySize, '10', '10mb'],
    [bitsPerSecond({ example: '100mbit' }), '100', '100mbit'],
  ] as const)
    assert.throws(() => readQuantity(quantity, '--x', text), { remedy: `did you mean ${meant}?` })
  assert.throws(() => readQuantity(duration, '--for', 'x'.repeat(100)), /got "x{57}…"$/)
})

test('displayed values can be typed back in', () => {
  // The display has three significant digits.
  const digits = fc.integer({ min: 1, max: 999 })
  fc.assert(
    fc.property(digits, fc.constantFrom(1e3, 1e6, 1e9), (number, unit) => {
      assert.equal(rate.parse(bitsText(number * unit)), number * unit)
    }),
  )
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1000 }), (permille) => {
      const value = permille / 1000
      assert.equal(part.parse(shareText(value)), value)
    }),
  )
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 999 }), fc.constantFrom(1, 100, 1000, 60_000), (number, unit) => {
      const ms = number * unit
      assert.equal(duration.parse(describeMs(ms)), ms)
    }),
  )
  fc.assert(
    fc.property(fc.integer({ min: 10, max: 1023 }), fc.constantFrom(1, 1024, 1024 ** 2), (number, unit) => {
      assert.equal(anySize.parse(bytes(number * unit)), number * unit)
    }),
  )
})
