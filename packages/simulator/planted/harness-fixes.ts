/** How mistakes of the harness were mended, by the `why` of the seeds that showed them. */
export const harnessFixes: Readonly<Record<string, string>> = {
  'the harness called into a suspended process': 'Only a process that runs is called.',
  'the harness did not wait for a dead connection to break':
    'Connections have the time that the network needs to break them.',
  'the harness did not start a member again that had stopped':
    'A process that ends for a fault of its disk starts again, as with a supervisor.',
  'the harness asked a sleeping member again and again in no time':
    'A client waits before it asks again.',
  'the harness turned the clock of a sleeping machine back when its rate changed':
    'A new rate begins where the clock stands.',
  'the harness expected a majority to elect of which one was not bound yet':
    'The majority is drawn of members that count.',
  'the harness let a member back in that it had cut off':
    'The trap for voters heals nothing once the faults rest.',
  'the harness let the padding of the newest record rot, which is a part of it':
    'Free space begins after the padding.',
  'windows too narrow for the values that were drawn: no way to answer in time':
    'Windows carry what the clients of the run write.',
  'the harness did not wait for clients that had asked a process that died':
    'The bound has the patience of a client in it.',
  'the harness gave a log of many small files no time to be opened':
    'The bound has the time to open them in it.',
  'the harness asked a member for writes whose link to the leader was still being made':
    'A write goes through each member before all are expected to serve.',
  'the harness asked a member for reads whose link to the leader was still being made':
    'A linearizable read goes through each member as well.',
  'the network went on losing pieces when the faults were over, for longer than an election':
    'Loss ends with the faults.',
  'a check did not take a snapshot that a leader sent for a proof of the term that it ends in':
    'It does (seen by *one vote a term*).',
  'the harness waited for the end of a member whose disk had failed to read a snapshot for a peer':
    'Such a failure ends no member (seen by *liveness*).',
  'the harness gave a member no time to be sent the log of a minute through a window of 256 bytes':
    'The bound has that time in it (seen by *liveness*).',
  'the harness expected writes of a member that may have ten entries in memory only':
    'Such a bound counts as a narrow queue (seen by *liveness*).',
};
