export default {
  compilerOptions: { fragments: 'tree', runes: true },
}
