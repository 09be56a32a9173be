import { z } from 'zod'

/** Name of a node as other members see it: a label, not an identity. 1 to 63 letters, digits, dots, hyphens. */
export const nodeName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9.-]{0,62}$/, 'no name for a node')
