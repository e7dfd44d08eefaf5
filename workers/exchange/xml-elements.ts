import { SaxesParser, type SaxesTagPlain } from 'saxes';
import { ProtocolError } from '../../protocol/errors.ts';
import { exchangeBounds } from './bounds.ts';
import { malformed } from './json-values.ts';

/** An element with what is in it. Text is that of the element itself, joined. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  readonly text: string;
}

interface Visitor {
  open(name: string, attributes: Readonly<Record<string, string>>): void;
  text(text: string): void;
  close(): void;
}

/**
 * Goes through XML in order. [Note: XML bombs] A document type is refused: entities of a file's own are the way to make
 * gigabytes of a kilobyte, or to name other files. Depth and number of elements are counted as they open. Throws
 * `malformed`.
 */
function walkXml(text: string, visitor: Visitor): void {
  const parser = new SaxesParser({ xmlns: false, position: true });
  let depth = 0;
  let elements = 0;
  parser.on('doctype', () => {
    throw malformed('the xml declares a document type, which no such file needs');
  });
  parser.on('opentag', (tag: SaxesTagPlain) => {
    if (++depth > exchangeBounds.xmlDepth)
      throw malformed(`the xml is nested deeper than ${exchangeBounds.xmlDepth}`);
    if (++elements > exchangeBounds.xmlElements) throw malformed('the xml has too many elements');
    visitor.open(tag.name, tag.attributes);
  });
  parser.on('text', (part) => visitor.text(part));
  parser.on('cdata', (part) => visitor.text(part));
  parser.on('closetag', () => {
    depth--;
    visitor.close();
  });
  try {
    parser.write(text).close();
  } catch (error) {
    // The parser's own messages quote the file.
    throw error instanceof ProtocolError
      ? error
      : malformed(`the xml is not well formed in line ${parser.line}`);
  }
}

/** Checks XML as {@link walkXml} does and keeps nothing: for text that another parser reads next. */
export function checkXml(text: string): void {
  walkXml(text, { open: () => {}, text: () => {}, close: () => {} });
}

/** The document's element. Throws `malformed`. */
export function parseXml(text: string): XmlElement {
  const none = { name: '', attributes: {}, children: [], text: '' };
  const open: { name: string; attributes: XmlElement['attributes']; children: XmlElement[]; text: string }[] =
    [none];
  walkXml(text, {
    open: (name, attributes) =>
      void open.push({ name, attributes: { ...attributes }, children: [], text: '' }),
    text: (part) => {
      const inner = open.at(-1);
      if (inner) inner.text += part;
    },
    close: () => {
      const closed = open.pop();
      if (closed) open.at(-1)?.children.push(closed);
    },
  });
  const [root] = open[0]?.children ?? [];
  if (root === undefined) throw malformed('the xml has no element');
  return root;
}
