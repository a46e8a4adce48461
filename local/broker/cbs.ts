import type { Reply, Request } from './requestReply';
import { checkToken, type Grant, type SharedAccessPolicy } from './sharedAccess';

/** Answers a request to `$cbs` (AMQP claims-based security): `put-token` adds the token's grant to the connection's grants. */
export function answerCbs(
  request: Request,
  policies: readonly SharedAccessPolicy[],
  grants: Map<string, Grant>,
): Reply {
  if (request.operation !== 'put-token') {
    return {
      status: 400,
      description: `$cbs knows put-token, not '${request.operation}'`,
      condition: 'amqp:not-implemented',
    };
  }
  const checked = checkToken(request.body ?? '', policies, Date.now());
  if ('refused' in checked) {
    return { status: 401, description: checked.refused, condition: 'amqp:unauthorized-access' };
  }
  grants.set(checked.path, checked);
  return { status: 202, description: 'Accepted' };
}
