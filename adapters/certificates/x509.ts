/** The library for certificates. It needs `reflect-metadata` to be there before it is loaded, so it is loaded here only. */
import 'reflect-metadata';

export * from '@peculiar/x509';
