/** Real picture files of 2 × 2 pixels. */
export const PICTURES: Record<"png" | "jpeg" | "webp" | "gif", Buffer> = {
  png: Buffer.from(
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAFklEQVR4nGNkP5jAwMDAxMDAwMDAAAANsQEsWoc9tQAAAABJRU5ErkJggg==",
    "base64",
  ),
  jpeg: Buffer.from(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABsSFBcUERsXFhceHBsgKEIrKCUlKFE6PTBCYFVlZF9VXVtqeJmBanGQc1tdhbWGkJ6jq62rZ4C8ybqmx5moq6T/2wBDARweHigjKE4rK06kbl1upKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKT/wAARCAACAAIDASIAAhEBAxEB/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/8QAHwEAAwEBAQEBAQEBAQAAAAAAAAECAwQFBgcICQoL/8QAtREAAgECBAQDBAcFBAQAAQJ3AAECAxEEBSExBhJBUQdhcRMiMoEIFEKRobHBCSMzUvAVYnLRChYkNOEl8RcYGRomJygpKjU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6goOEhYaHiImKkpOUlZaXmJmaoqOkpaanqKmqsrO0tba3uLm6wsPExcbHyMnK0tPU1dbX2Nna4uPk5ebn6Onq8vP09fb3+Pn6/9oADAMBAAIRAxEAPwBKKKKyPHP/2Q==",
    "base64",
  ),
  webp: Buffer.from("UklGRi4AAABXRUJQVlA4ICIAAABwAQCdASoCAAIAB0CWJaACdAFAAADxZpD7P8W/aP72woAA", "base64"),
  gif: Buffer.from("R0lGODdhAgACAIEAAAfBYAAAAAAAAAAAACwAAAAAAgACAAAIBgABCAQQEAA7", "base64"),
};

/** A PNG of exactly so many bytes: what follows its end chunk is not looked at. */
export function pngOf(size: number): Buffer {
  return Buffer.concat([PICTURES.png, Buffer.alloc(size - PICTURES.png.length)]);
}

/** A form as `wx.uploadFile` sends it: one file, fields beside it. */
export function formOf(
  fields: Record<string, string>,
  avatar?: Uint8Array,
  { name = "avatar", fileName = "tmp_1.jpg", type = "image/jpeg" } = {},
): FormData {
  const form = new FormData();
  for (const [field, value] of Object.entries(fields)) form.append(field, value);
  if (avatar) form.append(name, new Blob([new Uint8Array(avatar)], { type }), fileName);
  return form;
}
