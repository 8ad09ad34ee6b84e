using System.Buffers.Binary;
using System.Security.Cryptography;

namespace ZeroOS.Formats.Tpm;

/// <summary>
/// Speaks TPM 2.0 (TCG TPM 2.0 Library, Parts 1 to 3) through a function that carries one command there and one answer back: /dev/tpmrm0, a simulator, or a
/// record. Every answer is bounded and checked; a refusal of the TPM is a <see cref="TpmErrorException"/>, an answer out of form a <see cref="TpmException"/>.
/// For one caller at a time. Objects and sessions that a method returns are flushed by <see cref="Flush"/>, or by the kernel when the device is closed.
/// </summary>
public sealed partial class TpmClient
{
    /// <summary>Bytes of a command or an answer at most, as counted here (the kernel's buffer).</summary>
    public const int MaxBytes = 4096;

    private const ushort NoSessions = 0x8001, Sessions = 0x8002;
    private const int HeaderBytes = 10;

    private readonly Func<byte[], byte[]> _exchange;
    private readonly Func<int, byte[]> _random;

    /// <summary>Speaks through <paramref name="exchange"/>, which throws what its device refuses.</summary>
    public TpmClient(Func<byte[], byte[]> exchange) : this(exchange, RandomNumberGenerator.GetBytes)
    {
    }

    internal TpmClient(Func<byte[], byte[]> exchange, Func<int, byte[]> random) => (_exchange, _random) = (exchange, random);

    /// <summary>TPM2_FlushContext: forgets an object or a session.</summary>
    public void Flush(TpmEntity entity) => Run(TpmCommandCode.FlushContext, [], [], new TpmWriter().UInt32(entity.Handle));

    private byte[] Run(TpmCommandCode command, ReadOnlySpan<TpmEntity> handles, ReadOnlySpan<TpmSession> sessions, TpmWriter parameters,
        Sized sized = Sized.None) =>
        Run(command, handles, sessions, parameters, sized, returnsHandle: false).Parameters;

    private (uint Handle, byte[] Parameters) Run(TpmCommandCode command, ReadOnlySpan<TpmEntity> handles, ReadOnlySpan<TpmSession> sessions,
        TpmWriter parameters, Sized sized, bool returnsHandle)
    {
        byte[] body = parameters.ToArray();
        // Only the first session encrypts; the others bring a nonce of their own and no more.
        for (int i = 0; i < sessions.Length; i++)
            sessions[i].Begin(i == 0 && (sized & Sized.Command) != 0, i == 0 && (sized & Sized.Response) != 0, _random);
        if (sessions.Length > 0)
            sessions[0].EncryptCommand(body);

        TpmWriter rest = new();
        TpmWriter hashed = new TpmWriter().UInt32((uint)command);
        foreach (TpmEntity handle in handles)
        {
            rest.UInt32(handle.Handle);
            hashed.Raw(handle.Name.Span);
        }
        if (sessions.Length > 0)
        {
            byte[] cpHashInput = hashed.Raw(body).ToArray();
            TpmWriter area = new();
            foreach (TpmSession session in sessions)
                session.WriteTo(area, cpHashInput);
            byte[] written = area.ToArray();
            rest.UInt32((uint)written.Length).Raw(written);
        }
        byte[] tail = rest.Raw(body).ToArray();
        ushort tag = sessions.Length > 0 ? Sessions : NoSessions;
        byte[] answer = _exchange(new TpmWriter().UInt16(tag).UInt32((uint)(HeaderBytes + tail.Length)).UInt32((uint)command).Raw(tail).ToArray());
        return Read(command, answer, sessions, returnsHandle);
    }

    private static (uint Handle, byte[] Parameters) Read(TpmCommandCode command, byte[] answer, ReadOnlySpan<TpmSession> sessions, bool returnsHandle)
    {
        TpmReader reader = new(answer);
        ushort tag = reader.ReadUInt16();
        uint size = reader.ReadUInt32(), code = reader.ReadUInt32();
        if (size != answer.Length || answer.Length > MaxBytes)
            throw new TpmException($"an answer of {answer.Length} bytes says it has {size}");
        if (code != 0)
            throw new TpmErrorException(command, code);
        if (tag != (sessions.Length > 0 ? Sessions : NoSessions))
            throw new TpmException($"an answer with tag 0x{tag:x4}");
        uint handle = returnsHandle ? reader.ReadUInt32() : 0;
        if (sessions.Length == 0)
            return (handle, reader.Take(reader.Remaining).ToArray());
        uint length = reader.ReadUInt32();
        byte[] parameters = reader.Take(length > MaxBytes ? MaxBytes + 1 : (int)length).ToArray();
        byte[] rpHashInput = [.. new byte[4], .. new byte[4], .. parameters];   // response code 0, command code, parameters as they came
        BinaryPrimitives.WriteUInt32BigEndian(rpHashInput.AsSpan(4), (uint)command);
        foreach (TpmSession session in sessions)
            session.ReadFrom(ref reader, rpHashInput);
        reader.RequireEnd("an answer");
        sessions[0].DecryptResponse(parameters);
        return (handle, parameters);
    }

    /// <summary>Whether the first parameter is a TPM2B, which is what a session can encrypt.</summary>
    [Flags]
    private enum Sized
    {
        None = 0, Command = 1, Response = 2,
    }
}
