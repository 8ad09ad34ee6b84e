using System.Net;
using System.Net.Sockets;
using System.Text;

using ZeroOS.Cli.Output;
using ZeroOS.Linux.Netlink;
using ZeroOS.Linux.NetworkNamespaces;
using ZeroOS.Media;
using ZeroOS.Media.Serve;
using ZeroOS.Tests.Linux.Netlink;

namespace ZeroOS.Tests.Media.Serve;

/// <summary>The whole server on a cable between two namespaces, beside a DHCP server on the same machine.</summary>
[Trait("tier", "kernel")]
public sealed class BootServerTests : IDisposable
{
    private static readonly IPAddress s_server = IPAddress.Parse("192.168.77.1"), s_client = IPAddress.Parse("192.168.77.9");
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(30);
    private readonly List<IDisposable> _things = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly HeardText _said = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("zos-boot").FullName;
    private NetworkNamespace _here = null!, _there = null!;
    private Task _serving = Task.CompletedTask;

    public void Dispose()
    {
        _stop.Cancel();
        _serving.Wait(s_deadline);
        for (int i = _things.Count - 1; i >= 0; i--)
            _things[i].Dispose();
        _stop.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [SkippableFact]
    public async Task Broadcasts_are_answered_while_a_dhcp_server_of_the_same_machine_keeps_what_is_sent_to_it_alone()
    {
        Connect();
        // as dnsmasq with bind-dynamic: SO_REUSEADDR
        Socket other = Socket(_here, s => s.SetRawSocketOption(1, 2, BitConverter.GetBytes(1)), IPAddress.Any, 67);
        Serve();
        Socket client = Socket(_there, s =>
        {
            s.EnableBroadcast = true;
            s.SetRawSocketOption(1, 25, "client"u8); // SO_BINDTODEVICE: there is no route yet
        }, IPAddress.Any, 68);
        byte[] question = Bytes.Question(1, "PXEClient:Arch:00000:UNDI:002001", 0);
        await client.SendToAsync(question, new IPEndPoint(IPAddress.Broadcast, 67));
        byte[] answer = await Hear(client);
        Assert.Equal(("undionly.kpxe", s_server), (Bytes.File(answer), Bytes.Server(answer)));
        Assert.Equal(question, await Hear(other));
        await client.SendToAsync(question, new IPEndPoint(s_server, 67)); // a lease that is renewed
        Assert.Equal(question, await Hear(other));
        byte[] negotiation = Bytes.Question(3, "PXEClient:Arch:00007:UNDI:003016", 7);
        await client.SendToAsync(negotiation, new IPEndPoint(s_server, 4011));
        Assert.Equal("zeroos.efi", Bytes.File(await Hear(client)));
    }

    [SkippableFact]
    public async Task Files_are_sent_on_the_interface_and_a_machine_is_known_by_its_card()
    {
        Connect();
        Serve();
        Socket client = Socket(_there, _ => { }, s_client, 0, SocketType.Stream);
        await client.ConnectAsync(new IPEndPoint(s_server, 80));
        await client.SendAsync("GET /zeroos.efi HTTP/1.0\r\n\r\n"u8.ToArray());
        using NetworkStream stream = new(client);
        using StreamReader reader = new(stream);
        Assert.EndsWith("zeroos.efi", await reader.ReadToEndAsync(), StringComparison.Ordinal);
        Assert.True(SpinWait.SpinUntil(() => Said().Contains("has zeroos.efi", StringComparison.Ordinal), s_deadline), Said());
        Assert.Contains($"{_there.Route.GetLink("client").Mac} ({s_client}): has zeroos.efi", Said(), StringComparison.Ordinal);
    }

    [SkippableFact]
    public void A_taken_port_and_an_interface_without_address_are_sentences()
    {
        Connect();
        Socket(_here, _ => { }, s_server, 80, SocketType.Stream).Listen();
        MediaException taken = Assert.ThrowsAny<AggregateException>(() => _here.Run(() => Server().RunAsync(_stop.Token))
            .Wait()).InnerExceptions.OfType<MediaException>().Single();
        Assert.Contains("TCP port 80 (HTTP) is taken", taken.Message, StringComparison.Ordinal);
        _here.Route.DeleteAddress(_here.Route.GetLink("served").Index, s_server, 24);
        Assert.Contains("no IPv4 address", Assert.Throws<MediaException>(() => _here.Run(() => ServeInterface.Open("served"))).Message,
            StringComparison.Ordinal);
    }

    private void Connect()
    {
        Skip.If(NamespaceTool.Missing is not null, NamespaceTool.Missing);
        (_here, _there) = (Keep(NetworkNamespace.Create("boot-here")), Keep(NetworkNamespace.Create("boot-there")));
        _here.Route.CreateVeth("served", "client", _there.Descriptor);
        Up(_here, "served", s_server);
        Up(_there, "client", s_client);
        foreach (string name in new[] { "zeroos.efi", "undionly.kpxe" })
            File.WriteAllText(Path.Combine(_folder, name), name);
    }

    private void Serve()
    {
        _serving = _here.Run(() => Server().RunAsync(_stop.Token));
        Assert.False(_serving.IsFaulted, _serving.Exception?.Message);
    }

    private BootServer Server()
    {
        Terminal terminal = new(_said, TextWriter.Null, Stream.Null, Stream.Null, interactive: false, _ => null);
        return new BootServer(Keep(ServeInterface.Open("served")), BootFiles.OfFolder(_folder), 80,
            new ServeReport(terminal, json: false, TimeProvider.System), TimeProvider.System);
    }

    private string Said() => _said.ToString();

    private static void Up(NetworkNamespace space, string name, IPAddress address)
    {
        int link = space.Route.GetLink(name).Index;
        space.Route.PutAddress(link, address, 24);
        space.Route.ChangeLink(link, new LinkChange { Up = true });
    }

    private Socket Socket(NetworkNamespace space, Action<Socket> set, IPAddress address, int port, SocketType type = SocketType.Dgram)
    {
        Socket socket = Keep(space.Run(() => new Socket(AddressFamily.InterNetwork, type, type == SocketType.Dgram ? ProtocolType.Udp : ProtocolType.Tcp)));
        set(socket);
        socket.Bind(new IPEndPoint(address, port));
        return socket;
    }

    private static async Task<byte[]> Hear(Socket socket)
    {
        using CancellationTokenSource deadline = new(s_deadline);
        byte[] buffer = new byte[2048];
        return buffer[..await socket.ReceiveAsync(buffer, SocketFlags.None, deadline.Token)];
    }

    private T Keep<T>(T thing) where T : IDisposable
    {
        _things.Add(thing);
        return thing;
    }

    /// <summary>What is said, also for who looks while it is being said.</summary>
    private sealed class HeardText : TextWriter
    {
        private readonly StringBuilder _text = new();
        private readonly Lock _lock = new();

        public override Encoding Encoding => Encoding.UTF8;

        public override void Write(char value)
        {
            lock (_lock)
                _text.Append(value);
        }

        public override void Write(string? value)
        {
            lock (_lock)
                _text.Append(value);
        }

        public override string ToString()
        {
            lock (_lock)
                return _text.ToString();
        }
    }
}
