import { fuzzDecoders } from '../unit/protocol/fuzz/run.ts';

// The same decoders on the browser's engine, whose WebCrypto and TextDecoder fail in ways of their own.
fuzzDecoders(100);
