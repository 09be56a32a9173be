import { JsonFields, listOf, unreadable } from './bpftool-json.ts'
import type { BtfType, BtfTypes } from './btf-type.ts'

/** The types of `bpftool --json btf dump`. @throws X0tError BPF_BPFTOOL_UNREADABLE */
export function typesOfDump(dump: unknown): BtfTypes {
  const types: BtfType[] = [{ kind: 'void' }]
  for (const entry of listOf(new JsonFields(dump).get('types'))) {
    const fields = new JsonFields(entry)
    if (fields.number('id') !== types.length) throw unreadable(`type ${types.length}`, fields.get('id'))
    types.push(typeOf(fields))
  }
  return { count: types.length, type: (id) => types[id] ?? { kind: 'unknown' } }
}

/** Id of the one type that `bpftool btf dump map … key` shows; 0 for none. */
export function idOfDump(dump: unknown): number {
  const [first] = listOf(new JsonFields(dump).get('types'))
  return first === undefined ? 0 : new JsonFields(first).number('id')
}

const encodings: Readonly<Record<string, 'signed' | 'char' | 'bool'>> = {
  SIGNED: 'signed',
  CHAR: 'char',
  BOOL: 'bool',
}
const linkages: Readonly<Record<string, number>> = { static: 0, global: 1, extern: 2 }

function typeOf(fields: JsonFields): BtfType {
  const name = nameOf(fields)
  const type = (): number => fields.number('type_id')
  switch (fields.text('kind')) {
    case 'INT':
      return {
        kind: 'int',
        name,
        bytes: fields.number('size'),
        bits: fields.number('nr_bits'),
        bitOffset: fields.number('bits_offset'),
        encoding: encodings[fields.text('encoding')] ?? 'unsigned',
      }
    case 'FLOAT':
      return { kind: 'float', name, bytes: fields.number('size') }
    case 'PTR':
      return { kind: 'pointer', type: type() }
    case 'CONST':
      return { kind: 'const', type: type() }
    case 'VOLATILE':
      return { kind: 'volatile', type: type() }
    case 'RESTRICT':
      return { kind: 'restrict', type: type() }
    case 'TYPEDEF':
      return { kind: 'typedef', name, type: type() }
    case 'TYPE_TAG':
      return { kind: 'type-tag', name, type: type() }
    case 'ARRAY':
      return { kind: 'array', type: type(), count: fields.number('nr_elems') }
    case 'STRUCT':
      return compositeOf('struct', name, fields)
    case 'UNION':
      return compositeOf('union', name, fields)
    case 'ENUM':
    case 'ENUM64':
      return {
        kind: 'enum',
        name,
        bytes: fields.number('size'),
        signed: fields.text('encoding', 'SIGNED') === 'SIGNED',
        values: fields.list('values').map((entry) => {
          const value = new JsonFields(entry)
          const number = value.get('val')
          if (typeof number !== 'bigint') throw unreadable('a value of an enumerator', number)
          return { name: value.text('name'), value: number }
        }),
      }
    case 'FWD':
      return { kind: 'forward', name }
    case 'FUNC':
      return { kind: 'function', name, type: type() }
    case 'FUNC_PROTO':
      return {
        kind: 'function-prototype',
        type: fields.number('ret_type_id'),
        parameters: fields.list('params').map((entry) => {
          const parameter = new JsonFields(entry)
          return { name: nameOf(parameter), type: parameter.number('type_id') }
        }),
      }
    case 'VAR':
      return { kind: 'variable', name, type: type(), linkage: linkages[fields.text('linkage')] ?? 0 }
    case 'DATASEC':
      return {
        kind: 'data-section',
        name,
        bytes: fields.number('size'),
        variables: fields.list('vars').map((entry) => {
          const variable = new JsonFields(entry)
          return {
            type: variable.number('type_id'),
            offset: variable.number('offset'),
            bytes: variable.number('size'),
          }
        }),
      }
    case 'DECL_TAG':
      return { kind: 'declaration-tag', name, type: type(), component: fields.number('component_idx') }
    default:
      return { kind: 'unknown' }
  }
}

function compositeOf(kind: 'struct' | 'union', name: string, fields: JsonFields): BtfType {
  return {
    kind,
    name,
    bytes: fields.number('size'),
    members: fields.list('members').map((entry) => {
      const member = new JsonFields(entry)
      return {
        name: nameOf(member),
        type: member.number('type_id'),
        bitOffset: member.number('bits_offset'),
        bitfieldBits: member.number('bitfield_size', 0),
      }
    }),
  }
}

function nameOf(fields: JsonFields): string {
  const name = fields.text('name', '')
  return name === '(anon)' ? '' : name
}
