/** A strict reader of the XML that figures write: anything not well-formed throws. */
export interface XmlNode {
  name: string;
  attributes: Record<string, string>;
  children: XmlNode[];
  /** Text directly inside, entities decoded. */
  text: string;
}

const TOKEN = /<(\/?)([a-zA-Z][\w-]*)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>|([^<]+)|(.)/gsy;

export function parseXml(source: string): XmlNode {
  const root: XmlNode = { name: '', attributes: {}, children: [], text: '' };
  const open: XmlNode[] = [root];
  for (const match of source.matchAll(TOKEN)) {
    const [, closing, name, attributes, selfClosing, text, stray] = match;
    const top = open.at(-1)!;
    if (stray !== undefined) throw new Error(`stray ${JSON.stringify(stray)} at ${match.index}`);
    if (text !== undefined) top.text += decode(text);
    else if (closing === '/') {
      if (top.name !== name) throw new Error(`</${name}> closes <${top.name}>`);
      open.pop();
    } else {
      const node: XmlNode = { name: name!, attributes: {}, children: [], text: '' };
      for (const [, key, value] of attributes!.matchAll(/([\w:-]+)="([^"]*)"/g)) {
        if (key! in node.attributes) throw new Error(`attribute ${key} twice`);
        node.attributes[key!] = decode(value!);
      }
      top.children.push(node);
      if (selfClosing !== '/') open.push(node);
    }
  }
  if (open.length > 1) throw new Error(`<${open.at(-1)!.name}> is not closed`);
  if (root.children.length !== 1) throw new Error(`${root.children.length} root elements`);
  return root.children[0]!;
}

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };

function decode(text: string): string {
  return text.replace(/&([^;]*;?)/g, (_, entity: string) => {
    const value = ENTITIES[entity.replace(/;$/, '')];
    if (value === undefined || !entity.endsWith(';')) throw new Error(`entity &${entity}`);
    return value;
  });
}

/** All descendants (and the node itself) that `accept` takes, in document order. */
export function select(node: XmlNode, accept: (node: XmlNode) => boolean): XmlNode[] {
  return [...(accept(node) ? [node] : []), ...node.children.flatMap((child) => select(child, accept))];
}

/** Elements of which `class` contains the word. */
export function byClass(node: XmlNode, word: string): XmlNode[] {
  return select(node, ({ attributes }) => (attributes.class ?? '').split(' ').includes(word));
}

export function numberOf(node: XmlNode, attribute: string): number {
  const value = Number(node.attributes[attribute]);
  if (!Number.isFinite(value)) throw new Error(`${node.name} has ${attribute}=${node.attributes[attribute]}`);
  return value;
}
