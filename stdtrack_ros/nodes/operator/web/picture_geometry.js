// Copyright 2026 the stdtrack_ros authors
// SPDX-License-Identifier: Apache-2.0
//
// From places on the screen to fractions of the picture, and back. No document in here.

/** Farther than this between press and release (CSS px) is a drag; less is a tap. */
export const TAP_PX = { mouse: 5, pen: 8, touch: 14 };

/**
 * The fraction of the picture at a place on the screen, kept inside the picture.
 * @param {{left: number, top: number, width: number, height: number}} rect of the picture on the screen, CSS px
 * @param {{x: number, y: number}} place CSS px, as pointer events give it
 */
export function fractionAt(rect, place) {
  const inside = (value) => Math.min(Math.max(value, 0), 1);
  return { x: inside((place.x - rect.left) / rect.width), y: inside((place.y - rect.top) / rect.height) };
}

/** The box between two opposite corners, whichever came first. */
export function boxBetween(first, second) {
  return {
    x: Math.min(first.x, second.x),
    y: Math.min(first.y, second.y),
    width: Math.abs(first.x - second.x),
    height: Math.abs(first.y - second.y),
  };
}

/** Whether press and release (CSS px) are so near that a point was meant. */
export function isTap(press, release, pointerType) {
  return Math.hypot(press.x - release.x, press.y - release.y) < (TAP_PX[pointerType] ?? TAP_PX.mouse);
}

/** The largest size (CSS px) with the picture's shape that fits into the room for it. */
export function fittedSize(picture, room) {
  const scale = Math.min(room.width / picture.width, room.height / picture.height);
  return { width: picture.width * scale, height: picture.height * scale };
}

/** Points "x,y x,y" of a polyline of samples {t (s), value 0..1 or null} over the last `span` seconds; parts by gaps. */
export function sparkline(samples, now, span, width, height) {
  const parts = [];
  let part = [];
  for (const { t, value } of samples) {
    if (now - t > span) continue;
    if (value === null) {
      if (part.length) parts.push(part.join(" "));
      part = [];
    } else {
      part.push(`${(width * (1 - (now - t) / span)).toFixed(1)},${(height * (1 - value)).toFixed(1)}`);
    }
  }
  if (part.length) parts.push(part.join(" "));
  return parts;
}

/** A binary message: {number, state, picture} from its ArrayBuffer. */
export function readPicture(buffer) {
  const view = new DataView(buffer);
  const length = view.getUint32(4, true);
  const state = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
  return { number: view.getUint32(0, true), state, picture: new Uint8Array(buffer, 8 + length) };
}
