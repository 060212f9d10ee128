/** Keeps secrets out of what a page is told. */
export interface SecretBox {
  /** From now on this value is shown nowhere; `name` is written in its place. */
  lock(name: string, value: string): void;
  /** The text with every known secret replaced by a locked box. */
  hide(text: string): string;
}

/** A secret by value, not by the name of its field: so it is found in a URL, in a Redis value and in an error, too. */
export function secretBox(): SecretBox {
  const names = new Map<string, string>();

  return {
    lock(name, value) {
      for (const form of formsOf(value)) names.set(form, boxOf(name));
    },
    hide(text) {
      let hidden = text;
      for (const [form, box] of names) hidden = hidden.replaceAll(form, box);
      return hidden;
    },
  };
}

/** What the page shows as a locked box. */
export function boxOf(name: string): string {
  return `‹locked: ${name}›`;
}

/** A secret may be written in several ways; the longest comes first, since it may hold a shorter one. */
function formsOf(value: string): string[] {
  const forms = [value, encodeURIComponent(value)];
  // A session_key is 16 bytes in base64: its bytes can be written otherwise.
  if (/^[\w+/]{22}==$/.test(value)) {
    const bytes = Buffer.from(value, "base64");
    forms.push(value.slice(0, -2), bytes.toString("base64url"), bytes.toString("hex"));
  }
  return [...new Set(forms)].sort((one, other) => other.length - one.length);
}
