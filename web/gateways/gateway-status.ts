import type { GatewayView } from '../../workers/api.ts';

const texts: Readonly<Record<GatewayView['status'], string>> = {
  waiting: 'Waiting for enrolment',
  expired: 'Token expired',
  offline: 'Offline',
  online: 'Online',
  untrusted: 'Not trusted',
};

export function gatewayStatusText(status: GatewayView['status']): string {
  return texts[status];
}
