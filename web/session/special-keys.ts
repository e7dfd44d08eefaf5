/** Keys that a browser or a phone cannot send, or that this page takes for itself. X11 keysyms. */
export const specialKeys: readonly { readonly label: string; readonly keysyms: readonly number[] }[] = [
  { label: 'Escape', keysyms: [0xff1b] },
  { label: 'Tab', keysyms: [0xff09] },
  { label: 'Ctrl + C', keysyms: [0xffe3, 0x63] },
  { label: 'Ctrl + D', keysyms: [0xffe3, 0x64] },
  { label: 'Ctrl + V', keysyms: [0xffe3, 0x76] },
  { label: 'Ctrl + W', keysyms: [0xffe3, 0x77] },
  { label: 'Ctrl + Z', keysyms: [0xffe3, 0x7a] },
];
