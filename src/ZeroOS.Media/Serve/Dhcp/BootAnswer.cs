using System.Net;
using System.Text;

using ZeroOS.Formats.Dhcp;

namespace ZeroOS.Media.Serve.Dhcp;

/// <summary>
/// What a proxy DHCP server says beside the one that gives addresses (PXE 2.1, 2.2 and 2.4; UEFI 2.10, 24.7 for HTTP): who boots, and by which file. It has no
/// address to give, so a client that wants one goes on with the farmer's server.
/// </summary>
internal static class BootAnswer
{
    /// <summary>PXE_DISCOVERY_CONTROL = 8: the file named here is what to load; look for no boot server by multicast or broadcast.</summary>
    private static ReadOnlySpan<byte> LoadTheFileNamedHere => [6, 1, 8, 255];

    /// <summary>
    /// The answer on port 67. BIOS learns the file and that nothing else need be asked; UEFI PXE only learns who to ask on port 4011, which firmware of every
    /// make understands (with option 43 some follow the letter of PXE 2.1, which is about BIOS); HTTP gets its URL; iPXE its script.
    /// </summary>
    public static byte[] Offer(BootQuestion question, IPAddress self, string? file)
    {
        DhcpMessage answer = Answer(question, self, DhcpType.Offer, question.Kind == ClientKind.UefiPxe ? null : file);
        if (question.Kind == ClientKind.BiosPxe)
            answer.With(DhcpOption.VendorSpecific, LoadTheFileNamedHere);
        if (question.Kind is ClientKind.BiosPxe or ClientKind.Ipxe)
            answer.With(DhcpOption.ConfigurationFile,
                Encoding.ASCII.GetBytes(BootFiles.PxelinuxConfiguration)); // PXELINUX need not guess its name (RFC 5071, 4.1)
        return answer.Write();
    }

    /// <summary>The answer on port 4011 (boot information negotiation): the file, whoever asks.</summary>
    public static byte[] Acknowledge(BootQuestion question, IPAddress self, string file) => Answer(question, self, DhcpType.Ack, file).Write();

    private static DhcpMessage Answer(BootQuestion question, IPAddress self, DhcpType type, string? file)
    {
        DhcpMessage answer = new()
        {
            IsReply = true,
            TransactionId = question.TransactionId,
            Flags = question.Flags,
            ClientAddress = question.ClientAddress,
            NextServer = self,
            Hardware = question.Mac.ToBytes(),
            ServerName = self.ToString(),
            BootFile = file ?? "",
        };
        answer.With(DhcpOption.Type, (byte)type).With(DhcpOption.ServerId, self.GetAddressBytes())
            .With(DhcpOption.VendorClass, Encoding.ASCII.GetBytes(question.VendorClass));
        if (question.MachineId.Length > 0)
            answer.With(DhcpOption.MachineId, question.MachineId);
        // HTTP firmware reads option 67; network cards of the nineties read the field of BOOTP and nothing else.
        if (question.Kind == ClientKind.UefiHttp && answer.BootFile.Length > 0)
            answer.With(DhcpOption.BootFile, Encoding.ASCII.GetBytes(answer.BootFile));
        return answer;
    }
}
