# What a hostile guest does to its node: dials its gateway, its neighbours and the world, asks the name service, sends datagrams and writes lines, without end.
use strict;
use Socket;
$| = 1;
print "the flood begins\n";
my ($gateway) = map { join '.', reverse map { hex } unpack '(A2)4', (split)[2] } grep { (split)[1] eq '00000000' } do { open my $f, '<', '/proc/net/route' or die; <$f> };
my @work = (
    sub { dial($gateway, (22, 53, 80, 443, 8051)[rand 5]) },
    sub { dial(join('.', 10, 0, 2, 1 + int rand 254), (8051, 80)[rand 2]) },
    sub { dial(join('.', 1 + int rand 223, map { int rand 256 } 1 .. 3), 1 + int rand 65535) },
    sub { datagram($gateway, 53, pack('n6', rand 65536, 0x100, 1, 0, 0, 0) . pack('C/a*C/a*C', 'x' . int rand 1e9, 'example', 0) . pack('n2', 1, 1)) },
    sub { datagram(join('.', 1 + int rand 223, map { int rand 256 } 1 .. 3), 1 + int rand 65535, 'x' x 1200) },
    sub { print 'x' x (1 + rand 4000), "\n" },
);
for my $work (@work) { fork or do { $work->() while 1 } }
sleep;

my @open;   # connections that are kept half made
sub dial {
    my ($host, $port) = @_;
    socket my $s, PF_INET, SOCK_STREAM | 0x800, 0 or return shift @open;    # 0x800: SOCK_NONBLOCK
    connect $s, sockaddr_in($port, inet_aton $host);
    push @open, $s;
    shift @open if @open > 500;
}

my $udp;
sub datagram {
    my ($host, $port, $bytes) = @_;
    $udp or socket $udp, PF_INET, SOCK_DGRAM, 0 or return;
    send $udp, $bytes, 0, sockaddr_in($port, inet_aton $host);
}
