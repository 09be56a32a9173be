/** Error codes of `@x0t/bpf`: what each means and what to do. */
export const errorCodes = {
  BPF_VALUE_INVALID:
    'A value does not fit its type in the program; the message names the field, what was given and what fits.',
  BPF_TYPE_UNSUPPORTED: 'The BTF describes a type that has no values to read or write; the message names it.',
  BPF_PROGRAM_NOT_SHIPPED:
    'x0t ships no program of that name, or its object file is missing from this installation; the hint says which.',
  BPF_NAME_INVALID: 'A name cannot be that of an object or a pin; the message says what fits.',
  BPF_NO_BPFFS: 'No BPF file system is mounted where pins go: mount -t bpf bpf /sys/fs/bpf.',
  BPF_NOT_LOADED: 'Nothing of this name is loaded; x0t bpf list shows what is.',
  BPF_ALREADY_LOADED: 'An object of this name is loaded. Unload it, or load the new one --as another name.',
  BPF_HALF_DONE:
    'A load or unload is running, or was killed half-way; x0t bpf unload NAME removes what is left of it.',
  BPF_NOTHING_LOADED: 'The kernel took no program of the object; the message says why for each.',
  BPF_PROGRAM_NOT_FOUND: 'The loaded object has no such program, or several: write OBJECT/PROGRAM.',
  BPF_MAP_NOT_FOUND: 'The loaded object has no such map, or several: write OBJECT/MAP.',
  BPF_ALREADY_ATTACHED: 'The program is attached there already; x0t bpf list shows where.',
  BPF_NOT_ATTACHED: 'The program is not attached there; the hint names its attachments.',
  BPF_TARGET_INVALID:
    'The place to attach does not fit the type of the program; the message says what it takes.',
  BPF_PACKET_INVALID: 'The packet is no hexadecimal text or no capture file (pcap); the message says where.',
  BPF_SIGNATURE_INVALID:
    'The signature of an object file is malformed, false, or of something else. Do not load the object; get both again.',
  BPF_SIGNATURE_UNTRUSTED: 'The object is signed, but by a key that is not trusted here.',
  BPF_OBJECT_INVALID:
    'The file is no BPF object that can be loaded; build it with clang -O2 -g -mcpu=v3 -target bpf.',
  BPF_OBJECT_NOT_FOUND: 'No program, map or link of the kernel has this id or pin; x0t bpf list shows them.',
  BPF_NOT_PERMITTED:
    'The kernel refuses BPF to this process: run as root, or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON.',
  BPF_UNSUPPORTED: 'This kernel, or this Node.js, cannot do it; x0t bpf doctor says what it can do.',
  BPF_PROGRAM_REFUSED: "The kernel's verifier refused a program; its log says why, with source lines.",
  BPF_BUSY: 'Another program has this place: detach it, or join it (tcx, or the chain of XDP programs).',
  BPF_INTERFACE_NOT_FOUND: 'No network interface of this name in the network namespace of this process.',
  BPF_MAP_MISMATCH: 'The map to use has another type or other sizes than the object declares.',
  BPF_MAP_FULL: 'The map has no room for another entry.',
  BPF_PIN_FAILED: 'The pin could not be made: pins need a bpffs, mount -t bpf bpf /sys/fs/bpf.',
  BPF_CALL_FAILED: 'A call to the kernel failed; the message has its error number.',
  BPF_CHAIN_FULL: 'A chain of XDP programs, or the table of chains, has no room for one more.',
  BPF_CHAIN_BUSY: 'Another process is changing a chain of XDP programs, and did not end within ten seconds.',
  BPF_CHAIN_IN_USE: 'Programs run in the chain of an interface; detach or unload them first.',
  BPF_NOT_CHAINABLE:
    'The program does not include bpf/chain.h, or was not loaded by x0t bpf load: it cannot share an interface.',
  BPF_MANIFEST_INVALID:
    'The manifest does not say what it should; the message names the place, docs/bpf.md shows one.',
  BPF_VERDICT_UNKNOWN: 'Programs of this type have no such verdict; the hint lists them.',
  BPF_FILTER_INVALID:
    'A filter or an order of x0t bpf dump names a field that no entry has, or cannot be read.',
  BPF_NAMESPACE_NOT_FOUND: 'ip netns knows no such network namespace; ip netns list shows them.',
  BPF_OBJECT_FILE_NOT_FOUND:
    'There is no object file at this path; programs that x0t ships are named without one.',
  BPF_MANIFEST_NOT_FOUND: 'There is no manifest at this path.',
  BPF_SIGNATURE_MISSING:
    'Only signed objects may be loaded (--require-signed), and this one has no signature beside it.',
  BPF_BPFTOOL_MISSING: 'bpftool is not installed: apt install bpftool.',
  BPF_BPFTOOL_UNREADABLE: 'bpftool printed something else than was expected; 7.1 and later are read.',
} as const

/** One of {@link errorCodes}. */
export type BpfErrorCode = keyof typeof errorCodes
