using System.Net;
using System.Net.Sockets;

using ZeroOS.Media.Serve;
using ZeroOS.Media.Serve.Http;
using ZeroOS.Media.Serve.Report;
using ZeroOS.Media.Serve.Tftp;

namespace ZeroOS.Tests.Media.Serve;

/// <summary>TFTP and HTTP on free ports of loopback, a folder of files to boot, and what was said of it.</summary>
internal sealed class ServeBench : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _servers;

    public ServeBench()
    {
        Folder = Directory.CreateTempSubdirectory("zos-serve").FullName;
        new Random(7).NextBytes(Efi);
        File.WriteAllBytes(Path.Combine(Folder, "zeroos.efi"), Efi);
        File.WriteAllBytes(Path.Combine(Folder, "undionly.kpxe"), new byte[1024]);
        File.WriteAllText(Path.Combine(Folder, "empty"), "");
        Files = BootFiles.OfFolder(Folder);
        Watch = new BootWatch(TimeProvider.System, Said.Enqueue, _ => Bytes.Card);
        ServeSockets sockets = new(device: null);
        Tftp = sockets.Udp(IPAddress.Loopback, 0, "test");
        Http = sockets.Tcp(IPAddress.Loopback, 0, "test");
        _servers = Task.WhenAll(new TftpServer(Tftp, sockets, Files, Watch, IPAddress.IsLoopback, 1468, TimeProvider.System).RunAsync(_stop.Token),
            new HttpServer(Http, Files, Watch).RunAsync(_stop.Token));
    }

    /// <summary>Not a multiple of any block size.</summary>
    public byte[] Efi { get; } = new byte[300_001];

    public string Folder { get; }

    public BootFiles Files { get; }

    public BootWatch Watch { get; }

    public System.Collections.Concurrent.ConcurrentQueue<BootEvent> Said { get; } = [];

    public Socket Tftp { get; }

    public Socket Http { get; }

    public IPEndPoint TftpEndPoint => (IPEndPoint)Tftp.LocalEndPoint!;

    public Uri Url(string name) => new($"http://127.0.0.1:{((IPEndPoint)Http.LocalEndPoint!).Port}/{name}");

    /// <summary>Waits until something was said: a server hears of a client's end after the client.</summary>
    public void Says(Func<BootEvent, bool> something) =>
        Assert.True(SpinWait.SpinUntil(() => Said.Any(something), TimeSpan.FromSeconds(30)), string.Join('\n', Said));

    /// <summary>Loads a file as firmware does; the datagrams that <paramref name="lose"/> names by number are lost on the way to the client.</summary>
    public async Task<byte[]> LoadAsync(string name, int windowBlocks, Func<int, bool>? lose = null, params string[] options)
    {
        using Socket client = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        client.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        await client.SendToAsync(Bytes.Read(name, options), TftpEndPoint);
        using CancellationTokenSource deadline = new(TimeSpan.FromSeconds(30));
        MemoryStream loaded = new();
        byte[] buffer = new byte[65536];
        long next = 1;
        int blockBytes = 512, inWindow = 0;
        for (int number = 0; ; number++)
        {
            SocketReceiveFromResult got = await client.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0), deadline.Token);
            if (lose?.Invoke(number) == true)
                continue;
            int at = Array.IndexOf(options, "blksize");
            switch (buffer[1])
            {
                case 6:
                    blockBytes = at < 0 ? 512 : int.Parse(options[at + 1], System.Globalization.CultureInfo.InvariantCulture);
                    await client.SendToAsync(Bytes.Acknowledge(0), got.RemoteEndPoint, deadline.Token);
                    continue;
                case 5:
                    throw new IOException(System.Text.Encoding.ASCII.GetString(buffer, 4, got.ReceivedBytes - 5));
            }
            bool expected = (ushort)next == (ushort)((buffer[2] << 8) | buffer[3]);
            if (expected)
            {
                loaded.Write(buffer, 4, got.ReceivedBytes - 4);
                next++;
                inWindow++;
            }
            bool last = expected && got.ReceivedBytes - 4 < blockBytes;
            if (last || !expected || inWindow == windowBlocks)
            {
                await client.SendToAsync(Bytes.Acknowledge(next - 1), got.RemoteEndPoint, deadline.Token);
                inWindow = 0;
            }
            if (last)
                return loaded.ToArray();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _servers;
        Tftp.Dispose();
        Http.Dispose();
        _stop.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}
