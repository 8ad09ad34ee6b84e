using System.Text;

using ZeroOS.Bus.Envelopes;
using ZeroOS.Bus.Json;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Messages;
using ZeroOS.Client;
using ZeroOS.Client.Deploying;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Sessions;
using ZeroOS.Engine.Admission;
using ZeroOS.Engine.Deployments;
using ZeroOS.Tests.Bus;
using ZeroOS.Tests.Engine;

namespace ZeroOS.Tests.Fuzz;

/// <summary>What strangers and tenants send: envelopes, messages, deployments and the texts in them.</summary>
internal static class BusEntries
{
    private static readonly Lazy<GateBench> s_bench = new(() => new GateBench());
    private static readonly Lazy<byte[]> s_sealed = new(() => s_bench.Value.Seal(s_bench.Value.Request(s_bench.Value.Alice), s_bench.Value.Alice));

    public static IReadOnlyList<FuzzEntry> All { get; } =
    [
        new DecoderEntry("envelope", () => [s_sealed.Value, Envelope.Sign("t", "signed"u8, s_bench.Value.Alice)], ReadEnvelope),
        new DecoderEntry("sender of an envelope", () => [s_sealed.Value], b => EnvelopePeek.TrySender(b, out _)),
        new DecoderEntry("message", () => [Payload()], ReadMessage),
        new DecoderEntry("gate", () => [s_sealed.Value], b => s_bench.Value.Gate.Admit(b).Admitted || b.AsSpan().SequenceEqual(s_sealed.Value))
        { TakesOnlySamples = true },
        new DecoderEntry("deployment", () => [Deployment(EngineBench.Shop())], ReadDeployment),
        new DecoderEntry("deployment file", () => [Encoding.UTF8.GetBytes(File), Deployment(EngineBench.Shop())],
            b => FuzzEntries.Reads<ClientException>(() => _ = DeploymentFile.Read("fuzz.yaml", Encoding.UTF8.GetString(b)).Draft)),
        new DecoderEntry("texts of a grant",
            () => [.. new[] { "80", "30000-32767", "10.77.1.0/24", "192.168.0.9", "128MiB", "30s", "2m" }.Select(Encoding.UTF8.GetBytes)], ReadTexts),
        new DecoderEntry("session frame", () => [.. SessionFrames()], ReadSessionFrame),
        new DecoderEntry("key id", () => [Encoding.ASCII.GetBytes(s_bench.Value.Alice.Id.Text)], ReadKey),
    ];

    private const string File = """
        name: web
        version: 3
        workloads:
          - name: data
            type: zmount
            data: { size: 1GiB }
          - name: web   # a comment
            type: zmachine
            data:
              flist: { reference: demo/nginx, digest: "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" }
              memory: 128MiB
              args: ["-g", 'daemon off;']
              env:
                A: |
                  two
                  lines
        """;

    private static IEnumerable<byte[]> SessionFrames() =>
    [
        FrameBytes(new SessionFrame(SessionFrame.SessionChannel, SessionFrameType.Begin, "{}"u8)),
        FrameBytes(new SessionFrame(1, SessionFrameType.Data, "output"u8)),
        FrameBytes(new SessionFrame(1, SessionFrameType.Window, SessionFrame.CreditBody(65536))),
        FrameBytes(new SessionFrame(0, SessionFrameType.Close, SessionFrame.CloseBody(SessionCloseReason.Refused, "no such file"))),
        FrameBytes(new SessionFrame(0, SessionFrameType.Resize, SessionFrame.SizeBody(80, 24))),
        FrameBytes(new SessionFrame(0, SessionFrameType.Signal, [15])),
        FrameBytes(new SessionFrame(0, SessionFrameType.Exit, SessionFrame.ExitBody(137))),
    ];

    private static bool ReadSessionFrame(byte[] bytes)
    {
        if (!SessionFrame.TryRead(bytes, out SessionFrame frame))
            return false;
        Assert.Equal(bytes, FrameBytes(frame));
        _ = frame.Type switch
        {
            SessionFrameType.Close => $"{frame.Reason} {frame.Sentence}",
            SessionFrameType.Note => frame.Sentence,
            SessionFrameType.Window => $"{frame.Credit}",
            SessionFrameType.Resize => $"{frame.Size}",
            SessionFrameType.Signal => $"{frame.SignalNumber}",
            SessionFrameType.Exit => $"{frame.ExitCode}",
            _ => "",
        };
        SessionChannels channels = new(opens: false, 0);
        channels.Make(2);
        _ = channels.Receive(new SessionFrame(SessionFrame.SessionChannel, SessionFrameType.Begin, "{}"u8), 0);
        Assert.Equal(channels.Receive(frame, 1) == SessionVerdict.Break, channels.Fault.Length > 0);
        return true;
    }

    private static byte[] FrameBytes(in SessionFrame frame)
    {
        byte[] bytes = new byte[frame.Length];
        frame.Write(bytes);
        return bytes;
    }

    private static byte[] Payload() =>
        Envelope.TryRead(s_sealed.Value, out Envelope? envelope) ? envelope.Payload.ToArray() : throw new InvalidOperationException("the bench seals nothing");

    private static byte[] Deployment(Deployment deployment) => System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(deployment, BusJson.Default.Deployment);

    private static bool ReadEnvelope(byte[] bytes)
    {
        if (!Envelope.TryRead(bytes, out Envelope? envelope))
            return false;
        Assert.True(!envelope.EverySignatureVerifies() || envelope.Payload.SequenceEqual(Payload()) || envelope.Payload.SequenceEqual("signed"u8),
            "another payload verifies");
        return true;
    }

    private static bool ReadMessage(byte[] bytes)
    {
        if (!Message.TryRead(bytes, s_bench.Value.Alice.Id, out Message? message))
            return false;
        Assert.Equal(s_bench.Value.Alice.Id, message.From);
        return true;
    }

    private static bool ReadDeployment(byte[] bytes)
    {
        if (!StrictJson.TryRead(bytes, BusJson.Default.Deployment, out Deployment? deployment, out JsonFault? fault))
        {
            Assert.NotNull(fault);
            return false;
        }
        return FuzzEntries.Reads<BusErrorException>(() => DeploymentValidator.Check(deployment));
    }

    private static bool ReadTexts(byte[] bytes)
    {
        string text = Encoding.UTF8.GetString(bytes);
        bool size = ByteSize.TryParse(text, out ByteSize parsed);
        Assert.True(!size || (ByteSize.TryParse(parsed.ToString(), out ByteSize again) && again == parsed), $"{parsed} is not read back as itself");
        bool range = Ipv4Range.TryParse(text, out Ipv4Range network, out string why);
        Assert.True(!range || network.Contains(network.Gateway));
        bool duration = Durations.TryParse(text, TimeSpan.FromHours(1), out TimeSpan time);
        Assert.True(!duration || (time >= TimeSpan.Zero && time <= TimeSpan.FromHours(1)), $"\"{text}\" is {time}");
        return size | range | duration | Ipv4Range.TryParseAddress(text, out _) | PortRanges.TryParse([text], out _, out _);
    }

    private static bool ReadKey(byte[] bytes)
    {
        string text = Encoding.Latin1.GetString(bytes);
        if (!KeyId.TryParse(text, out KeyId? id))
            return false;
        Assert.Equal(text, id.Text);
        return true;
    }
}
