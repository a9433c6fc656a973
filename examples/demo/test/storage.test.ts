import { describe, expect, it } from 'vitest'
import { describeStorage } from '../storage.js'

describe('describeStorage', () => {
  it.each([
    ['disk:./.sessions', 'files', 'disk:./.sessions'],
    ['memory:', 'memory', 'memory:'],
    ['redis://127.0.0.1:6379/2', 'Redis', 'redis://127.0.0.1:6379/2'],
    ['redis://user:secret@host:6379', 'Redis', 'redis://host:6379'],
    ['rediss://:sec/r@t@host?password=secret', 'Redis', 'rediss://host'],
    ['mongodb://u:secret@a:1,b:2/db?authSource=secret#secret', 'MongoDB', 'mongodb://a:1,b:2/db'],
    ['mongodb+srv://u:secret@cluster.example.com/db', 'MongoDB', 'mongodb+srv://cluster.example.com/db'],
    ['other:thing?token=secret', 'other', 'other:thing'],
  ])('%s', (url, name, address) => {
    expect(describeStorage(url)).toEqual({ name, address })
  })
})
