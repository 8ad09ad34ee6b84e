using System.Buffers.Binary;
using System.Text;

namespace ZeroOS.Media.Serve.Tftp;

/// <summary>What a datagram of TFTP is (RFC 1350, section 5; RFC 2347).</summary>
internal enum TftpOpcode : byte
{
    Read = 1, Write = 2, Data = 3, Acknowledgement = 4, Error = 5, OptionsAcknowledgement = 6,
}

/// <summary>Why not (RFC 1350, appendix).</summary>
internal enum TftpError : byte
{
    None = 0, NotFound = 1, AccessViolation = 2, IllegalOperation = 4,
}

/// <summary>The datagram that says why not.</summary>
internal static class TftpErrors
{
    /// <summary>Ready to be sent.</summary>
    public static byte[] Write(TftpError error, string text)
    {
        byte[] bytes = [0, (byte)TftpOpcode.Error, 0, 0, .. Encoding.ASCII.GetBytes(text), 0];
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), (ushort)error);
        return bytes;
    }
}
