/** Error codes of this package: what each means and what to do. */
export const errorCodes = {
  HEALING_POLICY_INVALID:
    'A value of the healing policy does not fit; the message names it. x0t heal policy shows all with their bounds.',
  HEALING_KNOWLEDGE_DAMAGED:
    'The history of healing cannot be read. Move the file away: nothing else is lost.',
  HEALING_KNOWLEDGE_NEWER: 'A newer x0t wrote the history of healing. Install that one again.',
} as const
