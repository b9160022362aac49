import { topologySchema } from '../schema.ts'
import type { Rule } from './rule.ts'

const defaultSeconds = topologySchema.shape.cdn.parse({}).pagesMaxSeconds

export const cdnRules: Rule[] = [
  {
    reads: ['cdn.pages', 'cdn.pagesMaxSeconds'],
    level: 'warning',
    find: ({ cdn }) =>
      cdn.pages || cdn.pagesMaxSeconds === defaultSeconds
        ? []
        : [
            {
              at: ['cdn', 'pagesMaxSeconds'],
              message: 'has no effect: cdn.pages is false, so no page is cached',
              remedy: 'remove one of them',
            },
          ],
  },
]
