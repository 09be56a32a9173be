/** Error codes of the mesh: what each means and what to do. */
export const errorCodes = {
  MESH_MESSAGE_MALFORMED:
    'A message of the mesh protocol is not strict dag-cbor of the expected form and size. The neighbour runs another version, or is faulty.',
} as const
