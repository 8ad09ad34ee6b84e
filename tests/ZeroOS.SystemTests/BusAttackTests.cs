using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;

using ZeroOS.Bus.Client;
using ZeroOS.Bus.Envelopes;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Messages;
using ZeroOS.Contracts.Bus;
using ZeroOS.SystemTests.Bench;

namespace ZeroOS.SystemTests;

/// <summary>
/// Attacks on the door of a booted node, as docs/bus.md names them: from the wire, with other people's keys, and by pretending to be the node.
/// </summary>
public sealed class BusAttackTests
{
    [Fact]
    public async Task Every_attack_on_the_bus_is_refused_in_the_way_it_must_be()
    {
        await using World world = await World.Make("bus-attacks");
        await world.Boot();
        await world.Pin(world.Owner);
        using IdentityKey owner = KeyFile.Open(Path.Combine(world.Folder, "owner", "key"), () => "");
        using IdentityKey other = IdentityKey.Generate();
        Assert.True(KeyId.TryParse(world.NodeKey, out KeyId? node));
        using HttpTransport wire = new("127.0.0.1", world.Ports[8051], TimeSpan.FromSeconds(10));

        // A message of the owner's that the node accepted, kept by somebody on the wire.
        Recorder recorder = new(wire);
        BusClient client = new(owner, node, recorder, TimeProvider.System);
        NodeStatus status = await client.CallAsync(Commands.NodeStatus, default);
        Assert.Equal("ready", status.Stage);
        byte[] accepted = recorder.Sent[^1];

        Assert.Equal(ErrorCodes.Replayed, await Refusal(wire, accepted));
        byte[] tampered = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(accepted).Replace("\"payload\":\"ey", "\"payload\":\"fy", StringComparison.Ordinal));
        Assert.NotEqual(accepted, tampered);
        Assert.Equal("400", await Refusal(wire, tampered));
        Assert.True(Envelope.TryRead(accepted, out Envelope? envelope));
        string unsigned = $"{{\"payloadType\":\"{envelope.PayloadType}\",\"payload\":\"{Convert.ToBase64String(envelope.Payload)}\",\"signatures\":[]}}";
        Assert.Equal("400", await Refusal(wire, Encoding.UTF8.GetBytes(unsigned)));
        Assert.Equal("400", await Refusal(wire, "{\"payloadType\":1,\"payloadType\":2}"u8.ToArray()));
        Assert.Equal("HTTP/1.1 413 Payload Too Large",
            await FirstLine(world.Ports[8051], "POST /bus HTTP/1.1\r\nHost: node\r\nContent-Type: application/json\r\nContent-Length: 1048577\r\n\r\n"));

        // Mallory's own key over the owner's words: the envelope verifies, but the words are not hers.
        Assert.Equal("400", await Refusal(wire, Envelope.Sign(envelope.PayloadType, envelope.Payload, other)));

        // The owner of another node, a stranger here, with a well-formed question of their own.
        BusErrorException denied = await Assert.ThrowsAsync<BusErrorException>(() =>
            new BusClient(other, node, wire, TimeProvider.System).CallAsync(Commands.NodeStatus, default));
        Assert.Equal(ErrorCodes.Denied, denied.Error.Code);

        // A tenant who has a grant signs the owner's ciphertext as a message of their own.
        await world.Grant(other.Id.Text, "8080");
        Assert.Equal(ErrorCodes.Malformed,
            await Refusal(wire, Reworded(envelope, other, ("from", other.Id.Text), ("id", Guid.CreateVersion7().ToString("D")))));

        // The owner's own, from another time, and from another epoch.
        string id = Guid.CreateVersion7().ToString("D");
        Assert.Equal(ErrorCodes.Expired,
            await Refusal(wire, Reworded(envelope, owner, ("id", id), ("issued", "2026-01-01T00:00:00Z"), ("expires", "2026-01-01T00:02:00Z"))));
        Assert.Equal(ErrorCodes.Stale, await Refusal(wire, Reworded(envelope, owner, ("id", id), ("epoch", Convert.ToBase64String(new byte[16])))));

        // A message for another node, delivered here; and the same node pinned under a wrong id.
        Message info = new()
        {
            Id = Guid.CreateVersion7(),
            Kind = MessageKind.Request,
            From = owner.Id,
            To = other.Id.Text,
            Command = Commands.NodeInfo.Name,
            Issued = DateTimeOffset.UtcNow,
            Expires = DateTimeOffset.UtcNow.AddMinutes(1),
        };
        Assert.Equal(ErrorCodes.WrongRecipient, await Refusal(wire, info.Sign(owner)));
        await Assert.ThrowsAnyAsync<Exception>(() => new BusClient(owner, other.Id, wire, TimeProvider.System).InfoAsync(default));

        await SpoofedNodeIsNotBelieved(owner, node, other);

        // After a boot the epoch is another: what was recorded before is stale and never executed.
        await world.Node.PowerOff();
        await world.Boot(fresh: false);
        Assert.Equal(ErrorCodes.Stale, await Eventually.Get("an answer after the boot", TimeSpan.FromSeconds(60), async () => await Refusal(wire, accepted)));
    }

    /// <summary>The message of an envelope with some of its words changed, signed again.</summary>
    private static byte[] Reworded(Envelope envelope, IdentityKey signer, params (string Field, string Value)[] changes)
    {
        JsonObject message = JsonNode.Parse(envelope.Payload)!.AsObject();
        foreach ((string field, string value) in changes)
        {
            Assert.True(message.ContainsKey(field), $"a message has no {field}");
            message[field] = value;
        }
        return Envelope.Sign(envelope.PayloadType, Encoding.UTF8.GetBytes(message.ToJsonString()), signer);
    }

    /// <summary>Somebody answers in the node's place, with a key of their own and a perfect form.</summary>
    private static async Task SpoofedNodeIsNotBelieved(IdentityKey owner, KeyId node, IdentityKey impostor)
    {
        int port = Ports.Free();
        using HttpListener listener = new();
        listener.Prefixes.Add($"http://127.0.0.1:{port}/");
        listener.Start();
        Task serve = Task.Run(async () =>
        {
            HttpListenerContext context = await listener.GetContextAsync();
            using MemoryStream asked = new();
            await context.Request.InputStream.CopyToAsync(asked);
            Assert.True(Envelope.TryRead(asked.ToArray(), out Envelope? envelope) && Message.TryRead(envelope, out _));
            Assert.True(Message.TryRead(envelope, out Message? question));
            Message reply = question with
            {
                Kind = MessageKind.Reply,
                From = impostor.Id,
                To = owner.Id.Text,
                InReplyTo = question.Id,
                Id = Guid.CreateVersion7(),
                Seq = 0,
                End = true
            };
            context.Response.ContentType = "application/x-ndjson";
            await context.Response.OutputStream.WriteAsync((byte[])[.. reply.Sign(impostor), (byte)'\n']);
            context.Response.Close();
        });
        using HttpTransport wire = new("127.0.0.1", port, TimeSpan.FromSeconds(10));
        await Assert.ThrowsAsync<SpoofedReplyException>(() => new BusClient(owner, node, wire, TimeProvider.System).InfoAsync(default));
        await serve;
    }

    /// <summary>
    /// Sends a request's head and none of its body; returns the first line of the answer. A node that refuses by the announced length closes under a sender
    /// who goes on, and whether that one still reads the answer is chance.
    /// </summary>
    private static async Task<string?> FirstLine(int port, string head)
    {
        using CancellationTokenSource timer = new(TimeSpan.FromSeconds(10));
        using TcpClient client = new();
        await client.ConnectAsync(IPAddress.Loopback, port, timer.Token);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(head), timer.Token);
        using StreamReader reader = new(client.GetStream());
        return await reader.ReadLineAsync(timer.Token);
    }

    /// <summary>Sends raw bytes; returns the refusal's code, or the bare HTTP status.</summary>
    private static async Task<string> Refusal(HttpTransport wire, byte[] bytes)
    {
        try
        {
            await foreach (ReadOnlyMemory<byte> line in wire.SendAsync(bytes, default))
            {
                Assert.True(Envelope.TryRead(line.Span, out Envelope? envelope) && envelope.EverySignatureVerifies());
                Assert.True(Message.TryRead(envelope, out Message? reply));
                return reply.Error?.Code ?? "accepted";
            }
            return "nothing";
        }
        catch (BusTransportException e) when (e.Status != 0)
        {
            return e.Status.ToString(System.Globalization.CultureInfo.InvariantCulture);
        }
    }
}
