using System.CommandLine;
using System.Net;
using System.Net.Sockets;

using ZeroOS.Bus.Sessions;
using ZeroOS.Cli.Output;
using ZeroOS.Cli.Sessions;
using ZeroOS.Client;
using ZeroOS.Client.Deploying;
using ZeroOS.Client.Forwarding;
using ZeroOS.Contracts.Bus;

using BusSession = ZeroOS.Bus.Sessions.Session;
using Session = ZeroOS.Cli.Sessions.Session;

namespace ZeroOS.Cli.Verbs;

/// <summary>zos forward: ports of this computer lead to programs that listen in a machine.</summary>
internal static class ForwardVerb
{
    private static readonly Option<string?> s_address = new("--address")
    {
        HelpName = "ADDRESS",
        Description = "listen on this address of this computer (default: 127.0.0.1); whoever reaches it reaches the machine"
    };
    private static readonly Argument<string> s_machine = new("MACHINE") { Description = "machine, as DEPLOYMENT/MACHINE or a name that is unique" };
    private static readonly Argument<string[]> s_ports = new("[LOCAL:]PORT")
    {
        Arity = ArgumentArity.OneOrMore,
        Description = "TCP port of the machine, and the one here that leads to it (default: the same; 0: any that is free)"
    };

    public static Command Build(Terminal terminal)
    {
        Command command = new("forward",
            "Listen on this computer and carry each connection to a port of a machine that runs, until Ctrl-C. As in: zos forward shop/web 8080:80 9090.")
        {
            s_address, s_machine, s_ports,
        };
        Session.Set(command, terminal, RunAsync, lasting: true);
        return command;
    }

    private static async Task<int> RunAsync(Session session, ParseResult parsed)
    {
        IReadOnlyList<ForwardPort> ports = ForwardPort.ParseAll(parsed.GetRequiredValue(s_ports));
        string? wanted = parsed.GetValue(s_address);
        IPAddress? address = IPAddress.Loopback;
        if (wanted is not null && !IPAddress.TryParse(wanted, out address))
            throw new CliException($"--address {wanted} is no IP address", CliException.Usage);
        List<ForwardListener> listeners = [];
        try
        {
            foreach (ForwardPort port in ports)
                listeners.Add(Open(address!, port));
            return await ForwardAsync(session, parsed.GetRequiredValue(s_machine), listeners);
        }
        finally
        {
            listeners.ForEach(l => l.Dispose());
        }
    }

    private static ForwardListener Open(IPAddress address, ForwardPort port)
    {
        try
        {
            return ForwardListener.Open(new IPEndPoint(address, port.Local), port.Remote);
        }
        catch (SocketException e)
        {
            string other = $"choose another as LOCAL:{port.Remote}, or 0:{port.Remote} for any that is free";
            throw new CliException(e.SocketErrorCode switch
            {
                SocketError.AddressAlreadyInUse => $"port {port.Local} is taken on {address}; {other}",
                SocketError.AccessDenied => $"port {port.Local} on {address} needs more rights than yours; {other}",
                SocketError.AddressNotAvailable => $"{address} is no address of this computer",
                _ => $"cannot listen at port {port.Local} on {address}: {e.Message}",
            });
        }
    }

    private static async Task<int> ForwardAsync(Session session, string machine, List<ForwardListener> listeners)
    {
        NodeClient node = session.Connect();
        MachineName name = await MachineFinder.FindAsync(node, machine, session.Cancellation);
        try
        {
            await using BusSession forward = await node.ForwardAsync(name, session.Cancellation);
            try
            {
                foreach (ForwardListener listener in listeners)
                    session.Terminal.Error.WriteLine($"{listener.Local} -> {name.Machine}:{listener.Remote}");
                throw await ForwardAsync(session, forward, listeners);
            }
            catch (OperationCanceledException)
            {
                throw session.Interrupted ? new CliException("interrupted", CliException.Interrupted) : new CliException("the time given is over");
            }
            finally
            {
                await SessionEnds.LeaveAsync(forward);
            }
        }
        catch (SessionException e)
        {
            throw new CliException(SessionEnds.Why(e));
        }
    }

    // Until the session is over; why is the answer.
    private static async Task<SessionException> ForwardAsync(Session session, BusSession forward, List<ForwardListener> listeners)
    {
        using CancellationTokenSource ends = CancellationTokenSource.CreateLinkedTokenSource(session.Cancellation);
        PortForwarder forwarder = new((carry, _) => carry(forward), (listener, sentence) => session.Terminal.Complain($"{listener.Local}: {sentence}"));
        Task accepting = forwarder.RunAsync(listeners, ends.Token);
        try
        {
            return await forward.Ended.WaitAsync(session.Cancellation);
        }
        finally
        {
            await ends.CancelAsync();
            await accepting;
        }
    }
}
