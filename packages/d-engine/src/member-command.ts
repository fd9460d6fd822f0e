import type { MemberAction, MemberChangeResult } from '@d-engine/base';
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { asksCluster } from './client-flags.ts';

/** Time for a learner to catch up, or for a leader to hand over. */
const timeoutMs = 15_000;

const descriptions: Readonly<Record<MemberAction, string>> = {
  promote: 'give a learner a vote, once it has caught up',
  remove: 'take a member out; a leader hands over first',
  transfer: 'let this member lead',
  replace: 'a member lost its data directory: let the one that it has now take its place',
};

/** `d-engine member list|promote|remove|transfer|replace`: at any member, which asks the leader. */
export function addMemberCommands(program: Command): void {
  const member = program
    .command('member')
    .description('show who belongs to a running cluster, and change it');
  asksCluster(
    member.command('list').description('every member, as the leader sees it'),
    timeoutMs,
    async (client) => {
      const { members, leader } = await client.status();
      for (const { id, address, role, status, lag, lastContactMs } of members) {
        const what = leader?.id === id ? 'leader' : role;
        const seen = lag === null ? '' : ` lag=${lag} last_contact_ms=${lastContactMs ?? '-'}`;
        process.stdout.write(`${id} ${address} ${what} ${status}${seen}\n`);
      }
    },
  );
  for (const [action, description] of Object.entries(descriptions)) {
    const command = member.command(action).argument('<node-id>', 'of the member', readNodeId);
    asksCluster(command.description(description), timeoutMs, async (client, [nodeId], limitMs) => {
      const result = await client.changeMember(action as MemberAction, Number(nodeId), {
        deadlineMs: limitMs,
      });
      process.stdout.write(`${sentence(result)}\n`);
    });
  }
}

function sentence({ changed, voters, learners, leaderId }: MemberChangeResult): string {
  const what = changed ? 'done' : 'nothing to do';
  const rest = learners.length === 0 ? '' : `, learners ${learners.join(' ')}`;
  const led = leaderId === null ? '' : `, leader ${leaderId}`;
  return `${what}: voters ${voters.join(' ')}${rest}${led}`;
}

function readNodeId(text: string): string {
  if (/^[1-9]\d{0,9}$/.test(text)) return text;
  throw new InvalidArgumentError('it is the node_id of the member, a number.');
}
