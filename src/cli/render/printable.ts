/**
 * Text from elsewhere on one line and without control characters: what a sibling or a log says must neither break a
 * table nor talk to the terminal.
 */
export function printable(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll(/[\p{Cc}\p{Cf}]/gu, '\u{fffd}');
}
