/** Geometry of the dashboard's charts, in a box of 400 by 138. */
import { roundUp } from './format'

export const BOX = { width: 400, height: 138, left: 38, right: 400, top: 4, bottom: 118 }

/** A round top and three lines under it. */
export function axis(most: number): number[] {
  const top = most <= 0 ? 1 : roundUp(most / 3) * 3
  return [0, top / 3, (top * 2) / 3, top]
}

export const x = (i: number, n: number) => BOX.left + (n <= 1 ? 0 : (i / (n - 1)) * (BOX.right - BOX.left))
export const column = (i: number, n: number) => {
  const wide = (BOX.right - BOX.left) / Math.max(1, n)
  return { x: BOX.left + i * wide, width: Math.max(0.5, wide - Math.min(1.4, wide * 0.2)) }
}
export const y = (v: number, top: number) => BOX.bottom - (v / top) * (BOX.bottom - BOX.top)

/** A line through what is known; where nothing is known it is broken. */
export function line(values: (number | null)[], top: number): string {
  let path = ''
  let pen = false
  values.forEach((v, i) => {
    if (v == null) {
      pen = false
      return
    }
    const alone = !pen && (i === values.length - 1 || values[i + 1] == null)
    path += `${pen ? 'L' : 'M'}${x(i, values.length).toFixed(1)} ${y(v, top).toFixed(1)}${alone ? 'h1.5' : ''}`
    pen = true
  })
  return path
}

export function area(values: (number | null)[], top: number): string {
  let path = ''
  let from = -1
  values.forEach((v, i) => {
    if (v != null && from < 0) from = i
    const last = i === values.length - 1 || values[i + 1] == null
    if (v != null && last) {
      const part = values.slice(from, i + 1)
      path += `M${x(from, values.length).toFixed(1)} ${BOX.bottom}` + part.map((p, k) => `L${x(from + k, values.length).toFixed(1)} ${y(p as number, top).toFixed(1)}`).join('') + `L${x(i, values.length).toFixed(1)} ${BOX.bottom}Z`
      from = -1
    }
  })
  return path
}
