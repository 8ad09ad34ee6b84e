using System.Security.Cryptography;

namespace ZeroOS.Formats.Tpm;

/// <summary>Objects: keys and sealed data.</summary>
public sealed partial class TpmClient
{
    /// <summary>TPM2_CreatePrimary: the same template gives the same key again, as long as the hierarchy's seed is the same.</summary>
    public TpmKey CreatePrimary(TpmEntity hierarchy, TpmPublic template)
    {
        TpmWriter parameters = new TpmWriter().Sized(NoSensitive).Sized(template.ToBytes()).Sized([]).UInt32(0);
        (uint handle, byte[] answer) = Run(TpmCommandCode.CreatePrimary, [hierarchy], [TpmSession.Password], parameters, Sized.None, returnsHandle: true);
        TpmReader reader = new(answer);
        TpmPublic made = TpmPublic.Parse(reader.ReadSized());
        SkipCreation(ref reader);
        return Known(handle, made, reader.ReadSized());
    }

    /// <summary>
    /// TPM2_Create of an object under <paramref name="parent"/>, with <paramref name="data"/> in it if it is sealed data. A salted session in place of the
    /// password hides the data on the way. Nothing is loaded; what is returned is for <see cref="Load"/>, and safe to store anywhere.
    /// </summary>
    public TpmBlob Create(TpmKey parent, TpmSession session, TpmPublic template, ReadOnlySpan<byte> data)
    {
        byte[] sensitive = new TpmWriter().Sized([]).Sized(data).ToArray();
        TpmWriter parameters = new TpmWriter().Sized(sensitive).Sized(template.ToBytes()).Sized([]).UInt32(0);
        CryptographicOperations.ZeroMemory(sensitive);
        TpmReader reader = new(Run(TpmCommandCode.Create, [parent.Entity], [session], parameters, Sized.Command | Sized.Response));
        return new TpmBlob(reader.ReadSized().ToArray(), reader.ReadSized().ToArray());
    }

    /// <summary>TPM2_Load of what <see cref="Create"/> returned.</summary>
    /// <exception cref="TpmErrorException"><see cref="TpmError.Integrity"/>: another TPM's, or changed.</exception>
    public TpmKey Load(TpmKey parent, TpmBlob blob)
    {
        TpmPublic read = TpmPublic.Parse(blob.Public.Span);
        TpmWriter parameters = new TpmWriter().Sized(blob.Private.Span).Sized(blob.Public.Span);
        (uint handle, byte[] answer) = Run(TpmCommandCode.Load, [parent.Entity], [TpmSession.Password], parameters, Sized.None, returnsHandle: true);
        return Known(handle, read, OneSized(answer));
    }

    /// <summary>TPM2_LoadExternal of a public key, into the owner's hierarchy, so that tickets about its signatures hold.</summary>
    public TpmKey LoadExternal(TpmPublic key)
    {
        TpmWriter parameters = new TpmWriter().Sized([]).Sized(key.ToBytes()).UInt32(TpmEntity.Owner.Handle);
        (uint handle, byte[] answer) = Run(TpmCommandCode.LoadExternal, [], [], parameters, Sized.None, returnsHandle: true);
        return Known(handle, key, OneSized(answer));
    }

    /// <summary>TPM2_ReadPublic.</summary>
    public TpmKey ReadPublic(uint handle)
    {
        TpmReader reader = new(Run(TpmCommandCode.ReadPublic, [TpmEntity.OfHandle(handle)], [], new TpmWriter()));
        return Known(handle, TpmPublic.Parse(reader.ReadSized()), reader.ReadSized());
    }

    /// <summary>TPM2_Unseal; a salted session hides what comes back.</summary>
    public byte[] Unseal(TpmKey sealedData, TpmSession session)
    {
        byte[] answer = Run(TpmCommandCode.Unseal, [sealedData.Entity], [session], new TpmWriter(), Sized.Response);
        byte[] data = OneSized(answer).ToArray();
        CryptographicOperations.ZeroMemory(answer);
        return data;
    }

    /// <summary>
    /// TPM2_EvictControl: keeps a copy of a loaded object at a persistent handle (0x81000000 to 0x817FFFFF), or removes the one that is there.
    /// </summary>
    public void EvictControl(TpmEntity key, uint persistentHandle) =>
        Run(TpmCommandCode.EvictControl, [TpmEntity.Owner, key], [TpmSession.Password], new TpmWriter().UInt32(persistentHandle));

    private static byte[] NoSensitive => new TpmWriter().Sized([]).Sized([]).ToArray();

    /// <summary>creationData, creationHash, creationTicket: proof of where a key came from, for who needs it.</summary>
    private static void SkipCreation(ref TpmReader reader)
    {
        _ = reader.ReadSized();
        _ = reader.ReadSized();
        _ = TpmTicket.Read(ref reader);
    }

    private static TpmKey Known(uint handle, TpmPublic key, ReadOnlySpan<byte> name) =>
        key.Name().AsSpan().SequenceEqual(name)
        ? new TpmKey(new TpmEntity(handle, name.ToArray()), key)
        : throw new TpmException("an object has another name than its public area gives");
}
